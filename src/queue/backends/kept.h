// What a queue keeps for its door (Attributes::kept) as bytes in its row: names and values, each behind its length
// (four bytes, big end first); nothing where there are none. Pure functions.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace facefleet::queue {

Bytes encode_kept(const std::map<std::string, std::string>& kept);
// Nothing if `bytes` are not what encode_kept() makes.
std::optional<std::map<std::string, std::string>> decode_kept(BytesView bytes);

}  // namespace facefleet::queue
