#include "vision/classifier.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/hash.h"
#include "vision/decode.h"
#include "vision/engines/engine.h"
#include "vision/models/model.h"
#include "vision/resize.h"
#include "vision/stopwatch.h"

namespace facefleet::vision {
namespace {

Result<std::vector<std::string>> read_classes(const ModelSpec& spec) {
  const Result<Bytes> text = read_file(spec.classes_file);
  if (!text) return text.error();
  if (hex(sha256(*text)) != spec.classes_sha256)
    return Error{Code::kInvalidInput,
                 spec.classes_file.string() + " is not the list of classes of " + spec.name +
                     "'s card; delete it and fetch it again",
                 "model_differs"};
  std::vector<std::string> names;
  for (std::string_view rest = *text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    names.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (names.size() != spec.dimensions)
    return Error{Code::kInvalidInput,
                 spec.classes_file.string() + " names " + std::to_string(names.size()) + " classes, and the card of " +
                     spec.name + " says " + std::to_string(spec.dimensions),
                 "model_differs"};
  return names;
}

// The part of the photo at `level` that a scorer sees: its short side scaled to short_side(), cut at the centre.
// Rounded as torchvision rounds.
Window window_of(const Image& image, const Scorer& scorer) {
  const std::int64_t width = image.width, height = image.height, short_side = scorer.short_side();
  Window window;
  window.scaled_width = width <= height ? short_side : short_side * width / height;
  window.scaled_height = width <= height ? short_side * height / width : short_side;
  window.width = window.height = scorer.side();
  const auto half = [](std::int64_t rest) { return std::llrint(static_cast<double>(rest) / 2); };
  window.left = half(window.scaled_width - window.width);
  window.top = half(window.scaled_height - window.height);
  return window;
}

// The coarsest level with twice the pixels that are wanted, so that what is lost to its coarser filter does not matter.
std::int32_t level_for(const Photo& photo, std::int32_t short_side) {
  const std::int32_t shortest = std::min(photo.width(), photo.height());
  std::int32_t level = 0;
  while (level + 1 < Photo::kLevels && shortest >> (level + 1) >= 2 * short_side) ++level;
  return level;
}

class ScoringClassifier final : public Classifier {
 public:
  ScoringClassifier(const ModelSpec& spec, std::unique_ptr<Engine> engine, std::unique_ptr<Scorer> scorer,
                    std::vector<std::string> names)
      : engine_(std::move(engine)),
        scorer_(std::move(scorer)),
        names_(std::move(names)),
        version_(spec.name + "@" + spec.sha256.substr(0, 8)) {}

  Result<Classification> classify(BytesView bytes, std::size_t classes_max) override {
    Classification out;
    const Result<Image> cut = see(bytes, out);
    if (!cut) return cut.error();
    const Stopwatch watch(out.classify_ms);
    const Result<std::vector<float>> logits = scorer_->score(*cut);
    if (!logits) return logits.error();
    out.classes = best(*logits, classes_max);
    return out;
  }

  const std::string& version() const override { return version_; }

 private:
  Result<Image> see(BytesView bytes, Classification& out) const {
    Result<const Image*> image = nullptr;
    std::optional<Photo> photo;
    {
      const Stopwatch watch(out.decode_ms);
      Result<Photo> opened = Photo::open(bytes);
      if (!opened) return opened.error();
      photo.emplace(std::move(*opened));
      out.width = photo->width();
      out.height = photo->height();
      image = photo->level(level_for(*photo, scorer_->short_side()));
      if (!image) return image.error();
    }
    const Stopwatch watch(out.resize_ms);
    return resize(**image, window_of(**image, *scorer_));
  }

  // By score; classes that score the same in the order of their numbers.
  std::vector<Class> best(const std::vector<float>& logits, std::size_t classes_max) const {
    std::vector<std::size_t> order(logits.size());
    std::iota(order.begin(), order.end(), 0U);
    const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min(classes_max, order.size()));
    std::partial_sort(order.begin(), end, order.end(), [&](std::size_t a, std::size_t b) {
      return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
    });
    const float largest = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float logit : logits) sum += std::exp(static_cast<double>(logit - largest));
    std::vector<Class> classes;
    for (auto at = order.begin(); at != end; ++at)
      classes.push_back({names_[*at], static_cast<float>(std::exp(static_cast<double>(logits[*at] - largest)) / sum)});
    return classes;
  }

  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Scorer> scorer_;
  std::vector<std::string> names_;
  std::string version_;
};

}  // namespace

Result<std::unique_ptr<Classifier>> Classifier::open(const ClassifierOptions& options) {
  Result<std::vector<std::string>> names = read_classes(options.model);
  if (!names) return names.error();
  Result<std::unique_ptr<Engine>> engine = make_openvino_engine(options.cache_dir);
  if (!engine) return engine.error();
  Result<std::unique_ptr<Scorer>> scorer = open_scorer(**engine, options.model);
  if (!scorer) return scorer.error();
  return std::make_unique<ScoringClassifier>(options.model, std::move(*engine), std::move(*scorer), std::move(*names));
}

}  // namespace facefleet::vision
