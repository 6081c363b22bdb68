#include <algorithm>
#include <utility>

#include "tools/enrol.h"
#include "tools/labels.h"

namespace facefleet::tools {
namespace {

constexpr std::size_t kBatchPhotos = 256;  // templates in one version of the gallery

class LocalEnroller final : public Enroller {
 public:
  explicit LocalEnroller(LocalEnrolment parts) : parts_(std::move(parts)) {}

  std::size_t batch_photos() const override { return kBatchPhotos; }
  std::size_t batches_at_once() const override { return 1; }

  Task<Result<std::vector<Verdict>>> enrol(std::vector<Photo> batch) override {
    auto snapshot = co_await parts_.galleries.snapshot(parts_.gallery, kMaxAge);
    if (!snapshot) co_return snapshot.error();
    std::vector<Verdict> verdicts(batch.size());
    std::vector<std::size_t> missing;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if ((*snapshot)->holds(batch[i].person, batch[i].sha256)) {
        verdicts[i].status = Status::kPresent;
      } else {
        missing.push_back(i);
      }
    }
    std::vector<gallery::Template> templates = compute(batch, missing, verdicts);
    if (templates.empty()) co_return verdicts;
    std::string model = parts_.pool.front().embedder_version();
    auto added = co_await parts_.galleries.add(parts_.gallery, std::move(model), std::move(templates));
    if (!added) co_return added.error();
    co_return verdicts;
  }

 private:
  // Nobody else writes while the system is down, so what add() left in the cache is the newest.
  static constexpr Millis kMaxAge{3'600'000};

  std::vector<gallery::Template> compute(const std::vector<Photo>& batch, const std::vector<std::size_t>& missing,
                                         std::vector<Verdict>& verdicts) {
    std::vector<gallery::Template> templates;
    vision::AnalyseOptions options;
    options.embed_all = false;
    options.keep_chips = parts_.keep_chips;
    const auto read = [&](std::size_t index) -> Result<Bytes> { return batch[missing[index]].bytes; };
    const auto done = [&](std::size_t index, Result<vision::Analysis> analysis) {
      const Photo& photo = batch[missing[index]];
      auto made = analysis ? to_template(photo, std::move(*analysis)) : analysis.error();
      if (made) {
        templates.push_back(std::move(*made));
      } else {
        const bool photos_fault = made.error().code == Code::kInvalidInput;
        verdicts[missing[index]] = {photos_fault ? Status::kRejected : Status::kFailed, made.error().reason,
                                    made.error().message};
      }
    };
    parts_.pool.run(missing.size(), options, read, done);
    return templates;
  }

  static Result<gallery::Template> to_template(const Photo& photo, vision::Analysis analysis) {
    if (analysis.main_face < 0) return Error{Code::kInvalidInput, "no face was found in " + photo.path, "no_face"};
    vision::Face& face = analysis.faces[static_cast<std::size_t>(analysis.main_face)];
    if (std::max(face.box.width, face.box.height) < kFacePixelsMin)
      return Error{Code::kInvalidInput,
                   "the face in " + photo.path + " is less than " + std::to_string(static_cast<int>(kFacePixelsMin)) +
                       " pixels high",
                   "face_too_small"};
    Bytes chip = face.chip ? vision::encode_png(*face.chip) : Bytes();
    return gallery::Template{photo.person, std::move(face.embedding), photo.sha256, std::string(base_name(photo.path)),
                             std::move(chip)};
  }

  LocalEnrolment parts_;
};

}  // namespace

std::unique_ptr<Enroller> open_local_enroller(LocalEnrolment parts) {
  return std::make_unique<LocalEnroller>(std::move(parts));
}

}  // namespace facefleet::tools
