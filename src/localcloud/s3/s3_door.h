// S3 over HTTP: from a request whose signature is good to an answer. Path style (/bucket/key), and virtual-host style
// below localhost (bucket.localhost/key).
#pragma once

#include <string_view>

#include "localcloud/s3/call.h"

namespace facefleet::localcloud::s3 {

// `payload`: what was signed of the body, which request.pieces holds.
Task<net::HttpResponse> serve(Service& service, net::HttpRequest& request, std::string payload,
                              std::string_view request_id);

// The bucket that a Host names; empty if it names none, and the path does.
std::string_view bucket_of_host(const net::HttpRequest& request);

}  // namespace facefleet::localcloud::s3
