// Bytes travel as std::string: Beast, SQLite, OpenSSL and the standard library all take it without a
// copy, and a byte is never interpreted as a character by this.
#pragma once

#include <string>
#include <string_view>

namespace facefleet {

using Bytes = std::string;
using BytesView = std::string_view;

}  // namespace facefleet
