// The instance metadata service, version 2, for each instance: who it is, where, and its credentials. On EC2 it is at
// one address for all and tells instances apart by where a request comes from; here each has a path of its own,
// <doors>/~imds/<instance id>/<key>, which its environment names in AWS_EC2_METADATA_SERVICE_ENDPOINT. The key keeps
// others out: an id can be read in the fleet's listing, an environment by its own user alone. No bucket can be called
// ~imds.
// Thread rule: base/task.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/task.h"
#include "fleet/fleet.h"
#include "net/http.h"

namespace facefleet::localcloud::ec2 {

class Imds {
 public:
  // `fleet`: may be null; then there is no instance to ask for itself.
  Imds(fleet::Fleet* fleet, std::string region, std::string account, aws::Credentials credentials, const Clock& clock,
       Random& random);

  // What an instance's environment names, below the doors' address; the same as long as the credentials are.
  static std::string path_of(std::string_view id, const aws::Credentials& credentials);

  // Whether a request is for this service, whatever it says: it is not signed.
  static bool is_for(const net::HttpRequest& request);

  // PUT /latest/api/token gives a token; GET of anything else needs one.
  Task<net::HttpResponse> serve(const net::HttpRequest& request) const;

 private:
  net::HttpResponse give_token(const net::HttpRequest& request, std::string_view id) const;
  bool is_good_token(std::string_view token, std::string_view id) const;
  std::string seal(std::string_view id, std::int64_t expires_ms) const;

  fleet::Fleet* fleet_;
  const std::string region_, account_;
  const aws::Credentials credentials_;
  const Clock& clock_;
  const std::string secret_;  // tokens are good as long as this process lives
};

}  // namespace facefleet::localcloud::ec2
