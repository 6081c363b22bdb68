// What the answers should be, and what an answer says.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace facefleet::load {

// A file's name up to its first dot: how the course and the gateway match photo and label.
std::string_view stem(std::string_view name);

// The right label of each photo, by stem.
using Predictions = std::map<std::string, std::string, std::less<>>;

// Reads lines `photo,label`, with the heading `Image,Results` or without it.
Result<Predictions> read_predictions(const std::filesystem::path& file);

// The label in a reply to the photo `name`, in any form that the systems of this line give: `stem:label`, `file
// name:label`, the label alone, a JSON string, or a JSON object or array of one with "label". Blanks around it do not
// count. Another photo's `stem:label` comes back whole, so that it equals no label.
std::string label_of(std::string_view name, BytesView reply);

}  // namespace facefleet::load
