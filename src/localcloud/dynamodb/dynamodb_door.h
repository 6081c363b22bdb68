// DynamoDB in AWS JSON 1.0: from a request whose signature is good to an answer.
#pragma once

#include <string>
#include <string_view>

#include "localcloud/dynamodb/call.h"
#include "net/http.h"

namespace facefleet::localcloud::dynamodb {

Task<net::HttpResponse> serve(Service& service, net::HttpRequest& request, std::string region,
                              std::string_view request_id);

// Adds x-amz-crc32, by which DynamoDB's clients check a body.
void add_crc32(net::HttpResponse& response);

}  // namespace facefleet::localcloud::dynamodb
