// What a family of detectors, embedders or classifiers must offer. One family is one file here and one row in
// families.cc.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "vision/engines/engine.h"
#include "vision/image.h"
#include "vision/pipeline.h"

namespace facefleet::vision {

// Finds faces. Not thread-safe.
class Detector {
 public:
  virtual ~Detector() = default;

  // The longest side, in pixels, of which the detector makes use: a larger image is shrunk to it.
  virtual std::int32_t side_max() const = 0;

  // The faces of `image` turned clockwise by `degrees` (0, 90, 180, 270), in pixels of the image as given, by score,
  // best first. Without embeddings and chips.
  virtual Result<std::vector<Face>> detect(const Image& image, std::int32_t degrees) = 0;
};

// Turns an aligned face into an embedding. Not thread-safe.
class Embedder {
 public:
  virtual ~Embedder() = default;

  virtual std::int32_t chip_side() const = 0;
  // Where the landmarks of a Face lie in a chip, in its order of them.
  virtual const std::array<Point, 5>& chip_landmarks() const = 0;
  // Unit length, `dimensions` of the card.
  virtual Result<std::vector<float>> embed(const Image& chip) = 0;
};

// Says how well each class fits a picture. Not thread-safe.
class Scorer {
 public:
  virtual ~Scorer() = default;

  // A photo's short side is scaled to short_side(), and side() x side() pixels are cut from its centre.
  virtual std::int32_t short_side() const = 0;
  virtual std::int32_t side() const = 0;
  // A logit for each of the card's `dimensions` classes.
  virtual Result<std::vector<float>> score(const Image& image) = 0;
};

Result<std::unique_ptr<Detector>> open_detector(Engine& engine, const ModelSpec& spec);
Result<std::unique_ptr<Embedder>> open_embedder(Engine& engine, const ModelSpec& spec, Precision precision);
Result<std::unique_ptr<Scorer>> open_scorer(Engine& engine, const ModelSpec& spec);

// The families: each in its own file, named by the table in families.cc.
Result<std::unique_ptr<Detector>> open_yunet(Engine& engine, const ModelSpec& spec);
Result<std::unique_ptr<Embedder>> open_sface(Engine& engine, const ModelSpec& spec, Precision precision);
Result<std::unique_ptr<Scorer>> open_mobilenet(Engine& engine, const ModelSpec& spec);

}  // namespace facefleet::vision
