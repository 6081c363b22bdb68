#include "vision/pipeline.h"

#include <algorithm>
#include <cmath>
#include <future>
#include <utility>

#include "base/limits.h"
#include "vision/decode.h"
#include "vision/engines/engine.h"
#include "vision/engines/processor.h"
#include "vision/models/model.h"
#include "vision/stopwatch.h"
#include "vision/transform.h"

namespace facefleet::vision {
namespace {

// A face that covers fewer of the decoded pixels than this share of a chip's is cut from a finer level instead, if the
// photo has one. Measured on LFW in docs/decisions/0003-photo-scales.md.
constexpr double kFinerBelow = 0.6;

// YuNet finds faces in most photos that stand on their head, too, with landmarks that fit nothing. What tells is the
// score: below the first figure the other turns are tried, and one is taken that scores better by more than the second.
// Measured in docs/decisions/0003-photo-scales.md.
constexpr float kSureScore = 0.9F;
constexpr float kTurnGain = 0.02F;

float best_score(const std::vector<Face>& faces) { return faces.empty() ? 0 : faces.front().score; }

// From pixels of the photo at a level to pixels of the photo.
Affine from_level(std::int32_t level) {
  const double scale = std::ldexp(1.0, level);
  return {scale, 0, (scale - 1) / 2, 0, scale, (scale - 1) / 2};
}

// The coarsest level that still has `side` pixels on its long side.
std::int32_t coarsest_level(const Photo& photo, std::int32_t side) {
  const std::int32_t longest = std::max(photo.width(), photo.height());
  std::int32_t level = 0;
  while (level + 1 < Photo::kLevels && longest >> (level + 1) >= side) ++level;
  return level;
}

class TwoModelPipeline final : public Pipeline {
 public:
  TwoModelPipeline(const PipelineOptions& options, Precision precision, std::unique_ptr<Engine> engine,
                   std::unique_ptr<Detector> detector, std::unique_ptr<Embedder> embedder)
      : engine_(std::move(engine)),
        detector_(std::move(detector)),
        embedder_(std::move(embedder)),
        version_(options.embedder.name + "@" + options.embedder.sha256.substr(0, 8)),
        dimensions_(options.embedder.dimensions),
        threshold_(options.embedder.threshold),
        precision_(precision) {}

  Result<Analysis> analyse(BytesView bytes, const AnalyseOptions& options) override {
    Analysis out;
    Result<Photo> photo = open_photo(bytes, out.timings);
    if (!photo) return photo.error();
    out.width = photo->width();
    out.height = photo->height();
    const std::int32_t level = coarsest_level(*photo, detector_->side_max());
    Result<const Image*> image = decode(*photo, level, out.timings);
    if (!image) return image.error();
    const Result<void> found = find_faces(**image, from_level(level), options, out);
    if (!found) return found.error();
    out.main_face = main_face(out.faces, out.width, out.height);
    for (std::size_t i = 0; i < out.faces.size(); ++i) {
      if (!options.embed_all && static_cast<std::int32_t>(i) != out.main_face) continue;
      const Result<void> embedded = embed(*photo, level, options, out.faces[i], out.timings);
      if (!embedded) return embedded.error();
    }
    return out;
  }

  const std::string& embedder_version() const override { return version_; }
  std::uint32_t embedding_dimensions() const override { return dimensions_; }
  float threshold() const override { return threshold_; }
  std::string precision() const override { return precision_ == Precision::kBf16 ? "bf16" : "f32"; }

 private:
  static Result<Photo> open_photo(BytesView bytes, Timings& timings) {
    const Stopwatch watch(timings.decode_ms);
    return Photo::open(bytes);
  }

  static Result<const Image*> decode(Photo& photo, std::int32_t level, Timings& timings) {
    const Stopwatch watch(timings.decode_ms);
    return photo.level(level);
  }

  // Fills in faces and rotation. `to_photo` maps from `image`.
  Result<void> find_faces(const Image& image, const Affine& to_photo, const AnalyseOptions& options, Analysis& out) {
    const Stopwatch watch(out.timings.detect_ms);
    Result<std::vector<Face>> best = detector_->detect(image, 0);
    if (!best) return best.error();
    for (const std::int32_t degrees : {90, 180, 270}) {
      if (!options.try_rotations || best_score(*best) >= kSureScore) break;
      Result<std::vector<Face>> turned = detector_->detect(image, degrees);
      if (!turned) return turned.error();
      if (best_score(*turned) <= best_score(*best) + kTurnGain) continue;
      best = std::move(turned);
      out.rotation = degrees;
    }
    const auto scale = static_cast<float>(to_photo.xx);
    for (Face& face : *best) {
      const Point corner = to_photo({face.box.x, face.box.y});
      face.box = {corner.x, corner.y, face.box.width * scale, face.box.height * scale};
      for (Point& landmark : face.landmarks) landmark = to_photo(landmark);
      if (std::max(face.box.width, face.box.height) >= options.face_pixels_min) out.faces.push_back(std::move(face));
    }
    return {};
  }

  Result<void> embed(Photo& photo, std::int32_t decoded_level, const AnalyseOptions& options, Face& face,
                     Timings& timings) {
    const Affine to_photo = inverse_to_chip(face);
    const double pixels_per_chip_pixel = std::hypot(to_photo.xx, to_photo.yx);
    // Landmarks in one point, or as far apart as no face has them: nothing to align.
    if (!std::isfinite(pixels_per_chip_pixel) || pixels_per_chip_pixel <= 0) return {};
    const std::int32_t level = chip_level(pixels_per_chip_pixel, decoded_level);
    const Result<const Image*> image = decode(photo, level, timings);
    if (!image) return image.error();
    Image chip;
    {
      const Stopwatch watch(timings.align_ms);
      chip = warp(**image, compose(inverse(from_level(level)), to_photo), embedder_->chip_side(),
                  embedder_->chip_side(), Border::kBlack);
    }
    const Stopwatch watch(timings.embed_ms);
    Result<std::vector<float>> embedding = embedder_->embed(chip);
    if (!embedding) return embedding.error();
    face.embedding = std::move(*embedding);
    if (options.keep_chips) face.chip = std::move(chip);
    return {};
  }

  // From pixels of a chip to pixels of the photo.
  Affine inverse_to_chip(const Face& face) const {
    return inverse(similarity(face.landmarks, embedder_->chip_landmarks()));
  }

  // The level to cut a chip from: the coarsest with a pixel for each of the chip's, as a finer one would alias; and no
  // finer than what is decoded already unless that is too coarse by far, as every level of a JPEG costs a decoding.
  static std::int32_t chip_level(double pixels_per_chip_pixel, std::int32_t decoded_level) {
    const auto ideal = static_cast<std::int32_t>(std::floor(std::log2(std::max(pixels_per_chip_pixel, 1.0))));
    const bool decoded_is_enough = std::ldexp(pixels_per_chip_pixel, -decoded_level) >= kFinerBelow;
    return std::min(decoded_is_enough ? std::max(ideal, decoded_level) : ideal, Photo::kLevels - 1);
  }

  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Detector> detector_;
  std::unique_ptr<Embedder> embedder_;
  std::string version_;
  std::uint32_t dimensions_;
  float threshold_;
  Precision precision_;
};

}  // namespace

Result<std::unique_ptr<Pipeline>> Pipeline::open(const PipelineOptions& options) {
  const Precision precision =
      options.embedder_precision == Precision::kAuto ? fastest_precision(this_processor()) : options.embedder_precision;
  Result<std::unique_ptr<Engine>> engine = make_openvino_engine(options.cache_dir);
  if (!engine) return engine.error();
  // Side by side: a worker that starts on an idle machine is ready sooner by the shorter of the two.
  auto embedder_opened =
      std::async(std::launch::async, [&] { return open_embedder(**engine, options.embedder, precision); });
  Result<std::unique_ptr<Detector>> detector = open_detector(**engine, options.detector);
  Result<std::unique_ptr<Embedder>> embedder = embedder_opened.get();
  if (!detector) return detector.error();
  if (!embedder) return embedder.error();
  return std::make_unique<TwoModelPipeline>(options, precision, std::move(*engine), std::move(*detector),
                                            std::move(*embedder));
}

std::int32_t main_face(const std::vector<Face>& faces, std::int32_t width, std::int32_t height) {
  std::int32_t best = -1;
  float best_worth = 0;
  for (std::size_t i = 0; i < faces.size(); ++i) {
    const Box& box = faces[i].box;
    const float dx = box.x + box.width / 2 - static_cast<float>(width) / 2;
    const float dy = box.y + box.height / 2 - static_cast<float>(height) / 2;
    const float worth = box.width * box.height - 2 * (dx * dx + dy * dy);
    if (best >= 0 && worth <= best_worth) continue;
    best = static_cast<std::int32_t>(i);
    best_worth = worth;
  }
  return best;
}

}  // namespace facefleet::vision
