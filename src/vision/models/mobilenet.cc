// MobileNetV2 (Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018), with torchvision's
// weights: RGB 0 to 255 in, a logit a class out. The graph normalises its input itself (tools/convert.py).
#include <string>
#include <utility>

#include "vision/models/model.h"
#include "vision/transform.h"

namespace facefleet::vision {
namespace {

constexpr std::int32_t kSide = 224, kShortSide = 256;  // as torchvision measured these weights

class Mobilenet final : public Scorer {
 public:
  Mobilenet(std::unique_ptr<Model> model, std::unique_ptr<Network> network, std::uint32_t classes)
      : model_(std::move(model)), network_(std::move(network)), classes_(classes) {}

  std::int32_t side() const override { return kSide; }
  std::int32_t short_side() const override { return kShortSide; }

  Result<std::vector<float>> score(const Image& image) override {
    constexpr std::size_t kPlane = static_cast<std::size_t>(kSide) * kSide;
    const Result<std::span<float>> input = network_->input({1, 3, kSide, kSide});
    if (!input) return input.error();
    to_planes(image, {input->subspan(0, kPlane), input->subspan(kPlane, kPlane), input->subspan(2 * kPlane, kPlane),
                      kSide, kSide});
    const Result<void> ran = network_->run();
    if (!ran) return ran.error();
    const std::span<const float> output = network_->output(0);
    if (output.size() != classes_)
      return Error{Code::kInvalidInput,
                   "the classifier gives " + std::to_string(output.size()) + " numbers, and its card says " +
                       std::to_string(classes_),
                   "model_differs"};
    return std::vector<float>(output.begin(), output.end());
  }

 private:
  std::unique_ptr<Model> model_;  // which network_ may point into
  std::unique_ptr<Network> network_;
  std::uint32_t classes_;
};

}  // namespace

Result<std::unique_ptr<Scorer>> open_mobilenet(Engine& engine, const ModelSpec& spec) {
  Result<std::unique_ptr<Model>> model =
      engine.open({spec.file, spec.sha256, {{1, 3, kSide, kSide}}, {"output"}, Precision::kF32});
  if (!model) return model.error();
  Result<std::unique_ptr<Network>> network = (*model)->load(0);
  if (!network) return network.error();
  auto scorer = std::make_unique<Mobilenet>(std::move(*model), std::move(*network), spec.dimensions);
  // The first run is the slowest; made here, it also shows whether the card tells the truth.
  const Image grey{kSide, kSide, std::vector<std::uint8_t>(static_cast<std::size_t>(3) * kSide * kSide, 128)};
  const Result<std::vector<float>> tried = scorer->score(grey);
  if (!tried) return tried.error();
  return scorer;
}

}  // namespace facefleet::vision
