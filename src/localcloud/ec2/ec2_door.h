// EC2 over HTTP: from a request whose signature is good to an answer. The instances are the fleet's worker processes.
#pragma once

#include <string_view>

#include "localcloud/ec2/call.h"
#include "net/http.h"

namespace facefleet::localcloud::ec2 {

inline constexpr std::string_view kNamespace = "http://ec2.amazonaws.com/doc/2016-11-15/";

Task<net::HttpResponse> serve(Service& service, net::HttpRequest& request, std::string_view request_id);

}  // namespace facefleet::localcloud::ec2
