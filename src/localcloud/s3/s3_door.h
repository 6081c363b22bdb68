// S3 over HTTP: from a request whose signature is good to an answer. Path style (/bucket/key), and virtual-host style
// below localhost (bucket.localhost/key).
#pragma once

#include <string_view>

#include "localcloud/s3/call.h"

namespace facefleet::localcloud::s3 {

Task<net::HttpResponse> serve(Service& service, net::HttpRequest& request, std::string_view request_id);

}  // namespace facefleet::localcloud::s3
