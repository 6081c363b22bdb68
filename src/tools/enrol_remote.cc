#include <array>
#include <utility>

#include "tools/enrol.h"
#include "tools/labels.h"

namespace facefleet::tools {
namespace {

namespace json = boost::json;

constexpr std::size_t kAtOnce = 8;  // enough to keep a laptop's workers busy, few enough to leave room for others

class RemoteEnroller final : public Enroller {
 public:
  RemoteEnroller(ApiClient& client, std::string gallery) : client_(client), gallery_(std::move(gallery)) {}

  std::size_t batch_photos() const override { return 1; }
  std::size_t batches_at_once() const override { return kAtOnce; }

  Task<Result<std::vector<Verdict>>> enrol(std::vector<Photo> batch) override {
    std::vector<Verdict> verdicts;
    for (Photo& photo : batch) {
      std::string target = person_target(gallery_, photo.person) + "/photos";
      std::string name(base_name(photo.path));
      auto answer = co_await client_.post_photo(std::move(target), std::move(name), std::move(photo.bytes));
      auto verdict = answer ? read(*answer) : judge(answer.error());
      if (!verdict) co_return verdict.error();
      verdicts.push_back(std::move(*verdict));
    }
    co_return verdicts;
  }

 private:
  // Whether an error is about this photo, a passing trouble, or ends the run.
  static Result<Verdict> judge(const Error& error) {
    switch (error.code) {
      case Code::kInvalidInput: return Verdict{Status::kRejected, error.reason, error.message};
      case Code::kTimedOut:
      case Code::kInternal:
      case Code::kCorrupt: {
        const std::string reason = error.reason.empty() ? std::string(to_string(error.code)) : error.reason;
        return Verdict{Status::kFailed, reason, error.message};
      }
      default: return error;
    }
  }

  static Result<Verdict> read(const json::object& answer) {
    const auto photos = array_member(answer, "photos");
    if (!photos) return photos.error();
    if (photos->size() != 1 || !photos->front().is_object())
      return Error{Code::kInternal, "the system's answer names another number of photos than it was sent",
                   "bad_answer"};
    const auto status = text_member(photos->front().get_object(), "status");
    if (!status) return status.error();
    return Verdict{*status == "already_enrolled" ? Status::kPresent : Status::kEnrolled, "", ""};
  }

  ApiClient& client_;
  const std::string gallery_;
};

}  // namespace

std::unique_ptr<Enroller> open_remote_enroller(ApiClient& client, std::string gallery) {
  return std::make_unique<RemoteEnroller>(client, std::move(gallery));
}

}  // namespace facefleet::tools
