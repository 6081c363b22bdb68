// YuNet (Wu, Peng, Yu: "YuNet: A Tiny Millisecond-level Face Detector", MIR 2023), the version of March 2023. What goes
// in and how its outputs are read is as in OpenCV's FaceDetectorYN (modules/objdetect/src/face_detect.cpp): BGR 0 to
// 255, padded with black at the right and below; score = √(class · object).
#include <algorithm>
#include <cmath>
#include <utility>

#include "base/limits.h"
#include "vision/models/model.h"
#include "vision/transform.h"

namespace facefleet::vision {
namespace {

constexpr float kScoreMin = 0.7F;
constexpr float kOverlapMax = 0.3F;          // intersection over union beyond which two boxes are one face
constexpr std::int32_t kEnlargeBelow = 160;  // pixels on the short side
constexpr std::size_t kCandidatesMax = 1'000;

struct Size {
  std::int32_t width, height;
};

constexpr std::array<std::int32_t, 3> kStrides{8, 16, 32};
constexpr std::int32_t kSideMax = 640;
// An image lies in a canvas whose sides are multiples of this, twice the largest stride, so that photos of all shapes
// need few sizes of input.
constexpr std::int32_t kCanvasStep = 64;
// The one size with a network of its own, a tenth faster: small photos and the field's benchmarks (LFW: 250x250).
constexpr Size kUsual{256, 256};

Size canvas_for(Size content) {
  const auto round_up = [](std::int32_t side) { return (side + kCanvasStep - 1) / kCanvasStep * kCanvasStep; };
  return {round_up(content.width), round_up(content.height)};
}

float overlap(const Box& a, const Box& b) {
  const float width = std::min(a.x + a.width, b.x + b.width) - std::max(a.x, b.x);
  const float height = std::min(a.y + a.height, b.y + b.height) - std::max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  const float shared = width * height;
  return shared / (a.width * a.height + b.width * b.height - shared);
}

// Greedy non-maximum suppression: of overlapping faces the one with the best score stays.
std::vector<Face> without_doubles(std::vector<Face> candidates) {
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Face& a, const Face& b) { return a.score > b.score; });
  if (candidates.size() > kCandidatesMax) candidates.resize(kCandidatesMax);
  std::vector<Face> kept;
  for (Face& face : candidates) {
    const bool seen = std::any_of(kept.begin(), kept.end(),
                                  [&](const Face& better) { return overlap(better.box, face.box) > kOverlapMax; });
    if (!seen) kept.push_back(std::move(face));
    if (kept.size() == limits::kFacesPerPhoto) break;
  }
  return kept;
}

// The box around a box that was turned or scaled.
Box mapped(const Affine& map, const Box& box) {
  const Point a = map({box.x, box.y}), b = map({box.x + box.width, box.y + box.height});
  return {std::min(a.x, b.x), std::min(a.y, b.y), std::abs(a.x - b.x), std::abs(a.y - b.y)};
}

// The face that a cell of the network's grid describes, in pixels of the canvas.
Face decode(const Network& network, std::size_t level, std::size_t cell, Point place, float squared_score) {
  const auto stride = static_cast<float>(kStrides[level]);
  const std::span<const float> box = network.output(6 + level).subspan(4 * cell, 4);
  const std::span<const float> points = network.output(9 + level).subspan(10 * cell, 10);
  // e⁵ strides is beyond every canvas; the bound keeps finite what a hostile picture makes of the network.
  const float width = std::exp(std::min(box[2], 5.0F)) * stride, height = std::exp(std::min(box[3], 5.0F)) * stride;
  Face face;
  face.score = std::sqrt(squared_score);
  face.box = {(place.x + box[0]) * stride - width / 2, (place.y + box[1]) * stride - height / 2, width, height};
  for (std::size_t i = 0; i < face.landmarks.size(); ++i)
    face.landmarks[i] = {(place.x + points[2 * i]) * stride, (place.y + points[2 * i + 1]) * stride};
  return face;
}

// The cells that score enough. Cells beyond the content are black, and are not asked.
std::vector<Face> candidates(const Network& network, Size canvas, Size content) {
  std::vector<Face> out;
  for (std::size_t level = 0; level < kStrides.size(); ++level) {
    const std::int32_t stride = kStrides[level], columns = canvas.width / stride;
    const std::span<const float> classes = network.output(level), objects = network.output(3 + level);
    for (std::int32_t row = 0; row * stride < content.height; ++row)
      for (std::int32_t column = 0; column * stride < content.width; ++column) {
        const auto cell = static_cast<std::size_t>(row * columns + column);
        const float squared = std::clamp(classes[cell], 0.0F, 1.0F) * std::clamp(objects[cell], 0.0F, 1.0F);
        if (squared >= kScoreMin * kScoreMin)
          out.push_back(decode(network, level, cell, {static_cast<float>(column), static_cast<float>(row)}, squared));
      }
  }
  return out;
}

class Yunet final : public Detector {
 public:
  explicit Yunet(std::unique_ptr<Model> model) : model_(std::move(model)) {}

  enum Variant : std::size_t { kUsualSize, kAnyCanvas, kVariants };  // places in ModelRequest::shapes

  Result<void> load(Variant variant) {
    if (networks_[variant]) return {};
    Result<std::unique_ptr<Network>> network = model_->load(variant);
    if (!network) return network.error();
    networks_[variant] = std::move(*network);
    return {};
  }

  std::int32_t side_max() const override { return kSideMax; }

  Result<std::vector<Face>> detect(const Image& image, std::int32_t degrees) override {
    const bool sideways = degrees == 90 || degrees == 270;
    const Size turned{sideways ? image.height : image.width, sideways ? image.width : image.height};
    const double wanted = std::min(turned.width, turned.height) < kEnlargeBelow ? 2.0 : 1.0;
    const double scale = std::min(wanted, static_cast<double>(kSideMax) / std::max(turned.width, turned.height));
    const auto scaled = [&](std::int32_t side) {
      return std::clamp(static_cast<std::int32_t>(std::lround(side * scale)), 1, kSideMax);
    };
    const Size content{scaled(turned.width), scaled(turned.height)};
    const double shift = 0.5 / scale - 0.5;  // the corners of the first pixels coincide, not their centres
    const Affine to_image =
        compose(unturned(image.width, image.height, degrees), {1 / scale, 0, shift, 0, 1 / scale, shift});
    if (degrees == 0 && scale == 1.0) return run(image);
    Result<std::vector<Face>> faces = run(warp(image, to_image, content.width, content.height, Border::kReplicate));
    if (!faces) return faces;
    for (Face& face : *faces) {
      face.box = mapped(to_image, face.box);
      for (Point& landmark : face.landmarks) landmark = to_image(landmark);
    }
    return faces;
  }

 private:
  // The faces of an image that fits the network, in its own pixels.
  Result<std::vector<Face>> run(const Image& content) {
    const Size canvas = canvas_for({content.width, content.height});
    const Variant variant = canvas.width == kUsual.width && canvas.height == kUsual.height ? kUsualSize : kAnyCanvas;
    const Result<void> loaded = load(variant);
    if (!loaded) return loaded.error();
    Network& network = *networks_[variant];
    const Result<std::span<float>> input = network.input({1, 3, canvas.height, canvas.width});
    if (!input) return input.error();
    const std::size_t plane = input->size() / 3;
    to_planes(content, {input->subspan(2 * plane, plane), input->subspan(plane, plane), input->subspan(0, plane),
                        canvas.width, canvas.height});
    const Result<void> ran = network.run();
    if (!ran) return ran.error();
    return without_doubles(candidates(network, canvas, {content.width, content.height}));
  }

  std::unique_ptr<Model> model_;
  std::array<std::unique_ptr<Network>, kVariants> networks_;  // loaded when a photo first needs them
};

}  // namespace

Result<std::unique_ptr<Detector>> open_yunet(Engine& engine, const ModelSpec& spec) {
  const std::vector<Shape> shapes{{1, 3, kUsual.height, kUsual.width}, {1, 3, kAnySize, kAnySize}};
  ModelRequest request{spec.file, spec.sha256, shapes, {}, Precision::kF32};  // bf16 moves landmarks by pixels
  for (const char* kind : {"cls_", "obj_", "bbox_", "kps_"})
    for (const std::int32_t stride : kStrides) request.outputs.push_back(kind + std::to_string(stride));
  Result<std::unique_ptr<Model>> model = engine.open(request);
  if (!model) return model.error();
  auto detector = std::make_unique<Yunet>(std::move(*model));
  const Result<void> loaded = detector->load(Yunet::kUsualSize);
  if (!loaded) return loaded.error();
  return detector;
}

}  // namespace facefleet::vision
