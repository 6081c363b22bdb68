// SFace (Zhong et al., "SFace: Sigmoid-Constrained Hypersphere Loss for Robust Face Recognition", TIP 2021), as
// OpenCV's model zoo gives it: RGB 0 to 255 in, 128 numbers out. The graph normalises its input itself.
#include <cmath>
#include <numeric>
#include <utility>

#include "vision/models/model.h"
#include "vision/transform.h"

namespace facefleet::vision {
namespace {

constexpr std::int32_t kSide = 112;

// InsightFace's template (ArcFace, face_align.py), to which SFace was trained: right eye, left eye, nose, right and
// left corner of the mouth.
constexpr std::array<Point, 5> kLandmarks{
    {{38.2946F, 51.6963F}, {73.5318F, 51.5014F}, {56.0252F, 71.7366F}, {41.5493F, 92.3655F}, {70.7299F, 92.2041F}}};

class Sface final : public Embedder {
 public:
  Sface(std::unique_ptr<Model> model, std::unique_ptr<Network> network, std::uint32_t dimensions)
      : model_(std::move(model)), network_(std::move(network)), dimensions_(dimensions) {}

  std::int32_t chip_side() const override { return kSide; }
  const std::array<Point, 5>& chip_landmarks() const override { return kLandmarks; }

  Result<std::vector<float>> embed(const Image& chip) override {
    constexpr std::size_t kPlane = static_cast<std::size_t>(kSide) * kSide;
    const Result<std::span<float>> input = network_->input({1, 3, kSide, kSide});
    if (!input) return input.error();
    to_planes(chip, {input->subspan(0, kPlane), input->subspan(kPlane, kPlane), input->subspan(2 * kPlane, kPlane),
                     kSide, kSide});
    const Result<void> ran = network_->run();
    if (!ran) return ran.error();
    const std::span<const float> output = network_->output(0);
    if (output.size() != dimensions_)
      return Error{Code::kInvalidInput,
                   "the embedder gives " + std::to_string(output.size()) + " numbers, and its card says " +
                       std::to_string(dimensions_),
                   "model_differs"};
    const float length = std::sqrt(std::inner_product(output.begin(), output.end(), output.begin(), 0.0F));
    if (!(length > 0) || !std::isfinite(length))
      return Error{Code::kInternal, "the embedder gave no direction", "engine"};
    std::vector<float> embedding(output.begin(), output.end());
    for (float& value : embedding) value /= length;
    return embedding;
  }

 private:
  std::unique_ptr<Model> model_;  // which network_ may point into
  std::unique_ptr<Network> network_;
  std::uint32_t dimensions_;
};

}  // namespace

Result<std::unique_ptr<Embedder>> open_sface(Engine& engine, const ModelSpec& spec, Precision precision) {
  Result<std::unique_ptr<Model>> model =
      engine.open({spec.file, spec.sha256, {{1, 3, kSide, kSide}}, {"fc1"}, precision});
  if (!model) return model.error();
  Result<std::unique_ptr<Network>> network = (*model)->load(0);
  if (!network) return network.error();
  auto embedder = std::make_unique<Sface>(std::move(*model), std::move(*network), spec.dimensions);
  // The first run is the slowest; made here, it also shows whether the card tells the truth.
  const Image grey{kSide, kSide, std::vector<std::uint8_t>(static_cast<std::size_t>(3) * kSide * kSide, 128)};
  const Result<std::vector<float>> tried = embedder->embed(grey);
  if (!tried) return tried.error();
  return embedder;
}

}  // namespace facefleet::vision
