// `up --demo`: enrols a few people from photos with clear terms and recognises another photo of one of them, through
// the same HTTP API that anybody uses, and says what it did.
#pragma once

#include <filesystem>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/task.h"

namespace facefleet::apps {

// `photos`: people/<person>/*.jpg are enrolled into the gallery `default`, probes/*.jpg recognised. What goes wrong is
// said on standard output; the system runs on.
Task<> run_demo(std::string url, std::filesystem::path photos, const Clock& clock, Log log);

}  // namespace facefleet::apps
