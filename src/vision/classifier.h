// Bytes in, names of what is in the picture out. Pure computation: opens no socket, and no file once open() has
// returned.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "vision/pipeline.h"

namespace facefleet::vision {

struct ClassifierOptions {
  ModelSpec model;
  std::filesystem::path cache_dir;  // compiled models; empty: compile at every start
};

struct Class {
  std::string name;
  float score = 0;  // 0 to 1; of all classes together 1
};

struct Classification {
  std::int32_t width = 0, height = 0;  // of the upright photo, as stored
  std::vector<Class> classes;          // best first
  double decode_ms = 0, resize_ms = 0, classify_ms = 0;
};

// One per thread: not thread-safe. Runs on the calling thread alone.
class Classifier {
 public:
  static Result<std::unique_ptr<Classifier>> open(const ClassifierOptions& options);
  virtual ~Classifier() = default;

  // The `classes_max` likeliest classes. kInvalidInput with a reason of Pipeline::analyse if the photo cannot be
  // decoded.
  virtual Result<Classification> classify(BytesView photo, std::size_t classes_max) = 0;

  virtual const std::string& version() const = 0;  // "mobilenet_v2@9ce462aa": name and first 8 of the sha256
};

}  // namespace facefleet::vision
