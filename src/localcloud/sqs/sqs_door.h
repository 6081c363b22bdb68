// SQS over HTTP: from a request whose signature is good to an answer in the request's own wire form.
#pragma once

#include <string>

#include "localcloud/sqs/call.h"
#include "net/http.h"

namespace facefleet::localcloud::sqs {

inline constexpr std::string_view kNamespace = "http://queue.amazonaws.com/doc/2012-11-05/";

// `protocol`: kJson or kQuery.
Task<net::HttpResponse> serve(Service& service, net::HttpRequest& request, aws::Protocol protocol,
                              std::string_view request_id);

}  // namespace facefleet::localcloud::sqs
