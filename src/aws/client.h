// One AWS service at one endpoint: signs, sends, repeats what may succeed the next time, and turns AWS's error forms
// into Error. No business: adapters (queue/backends/sqs, store/backends/s3, fleet/backends/ec2) say what to send.
// Thread rule: base/task.h.
#pragma once

#include <memory>
#include <string>

#include "aws/credentials.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/task.h"
#include "net/http.h"

namespace facefleet::aws {

struct Endpoint {
  std::string url = "http://127.0.0.1:9324";  // http://host:port or https://…
  std::string region = "us-east-1";
  std::shared_ptr<SharedCredentials> credentials;
  std::string user_agent = "facefleet";
  std::string ca_file;  // roots to trust instead of the system's; empty: the system's
};

class Client {
 public:
  static Result<std::unique_ptr<Client>> open(const Executor& executor, Endpoint endpoint, std::string service,
                                              const Clock& clock, Random& random);
  virtual ~Client() = default;

  virtual const std::string& region() const = 0;

  // Signs and sends; 2xx and 304 are results, everything else an Error whose `reason` is AWS's code
  // (`NoSuchKey`, `AWS.SimpleQueueService.NonExistentQueue`, `InsufficientInstanceCapacity`) and whose Code says what
  // to do (error_forms.h). Within `timeout`, and while the budget of retries lasts, it is sent again:
  //   after a broken connection or a failure of the service, if `idempotent`: it may have been done;
  //   after throttling, whatever it is: it was not done. After a longer pause, and no sooner than the answer says;
  //   once with the service's clock, once with fresh keys, where the signature was refused for want of them.
  // `idempotent` is the caller's to say: that doing it twice does no harm.
  // A try for which less than `least` of the time is left is not made: a long poll's wait, which it asks the service
  // for. Host, User-Agent and the signature's headers are added. Cancellation closes the connection.
  virtual Task<Result<net::HttpResponse>> call(net::HttpRequest request, Millis timeout, bool idempotent,
                                               Millis least = Millis{0}) = 0;
};

}  // namespace facefleet::aws
