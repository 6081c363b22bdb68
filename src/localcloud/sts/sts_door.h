// The one action of STS that tools ask before they begin: who am I?
#pragma once

#include <string>
#include <string_view>

#include "aws/wire.h"
#include "net/http.h"

namespace facefleet::localcloud::sts {

inline constexpr std::string_view kNamespace = "https://sts.amazonaws.com/doc/2011-06-15/";

net::HttpResponse serve(const net::HttpRequest& request, std::string_view account, std::string_view access_key_id,
                        std::string_view request_id);

}  // namespace facefleet::localcloud::sts
