#include <algorithm>
#include <boost/json.hpp>
#include <optional>
#include <sstream>
#include <utility>

#include "base/file.h"
#include "tools/eval.h"
#include "tools/labels.h"
#include "tools/together.h"

namespace facefleet::tools {
namespace {

namespace json = boost::json;

// What the API gives at most. A person beyond them is below the threshold if the last of them is.
constexpr std::string_view kMatches = "100";
constexpr std::size_t kAtOnce = 8;
constexpr std::size_t kCatchUpTries = 100;
constexpr Millis kCatchUpPause{100};

// What a recognition says of one person.
enum class Answer { kSame, kDifferent, kUnclear };

Result<Answer> read_answer(const json::object& reply, const std::string& person) {
  const auto main_face = number_member(reply, "main_face");
  const auto faces = array_member(reply, "faces");
  if (!main_face) return main_face.error();
  if (!faces) return faces.error();
  if (*main_face < 0) return Answer::kDifferent;  // no face, so nobody is recognised
  const json::value* face = faces->size() > *main_face ? &(*faces)[static_cast<std::size_t>(*main_face)] : nullptr;
  if (face == nullptr || !face->is_object()) return Answer::kUnclear;
  const auto matches = array_member(face->get_object(), "matches");
  if (!matches) return matches.error();
  bool above = false;
  for (const json::value& match : *matches) {
    if (!match.is_object()) return Answer::kUnclear;
    const json::value* flag = match.get_object().if_contains("above_threshold");
    const auto name = text_member(match.get_object(), "person");
    if (!name) return name.error();
    above = flag != nullptr && flag->is_bool() && flag->get_bool();
    if (*name == person) return above ? Answer::kSame : Answer::kDifferent;
  }
  return above ? Answer::kUnclear : Answer::kDifferent;
}

class Checker {
 public:
  explicit Checker(AgreementCheck check)
      : check_(std::move(check)), gallery_("eval-" + random_hex(check_.random, 12)), enrolled_(check_.pairs.size()) {}

  Task<Result<Agreement>> run() {
    auto decided = co_await decide();
    // A gallery that nothing was enrolled into is not there; anything else that goes wrong here must be said.
    auto deleted = co_await check_.client.call("DELETE", gallery_target(gallery_));
    if (!decided) co_return decided.error();
    if (!deleted && deleted.error().code != Code::kNotFound) co_return deleted.error();
    co_return std::move(agreement_);
  }

 private:
  static std::string person(std::size_t index) { return "pair " + std::to_string(index); }

  Task<Result<void>> decide() {
    co_await for_each_pair(&Checker::enrol);
    if (!failure_) co_await for_each_pair(&Checker::recognise_and_settle);
    if (failure_) co_return *failure_;
    co_return Result<void>{};
  }

  // Takes `step` for all pairs, a few at a time, until one fails.
  Task<> for_each_pair(Task<Result<void>> (Checker::*step)(std::size_t index)) {
    std::size_t next = 0;
    const auto caller = [this, step, &next] { return call(step, next); };
    co_await together(kAtOnce, caller);
  }

  Task<> call(Task<Result<void>> (Checker::*step)(std::size_t index), std::size_t& next) {
    while (next < check_.pairs.size() && !failure_) {
      auto done = co_await (this->*step)(next++);
      if (!done && !failure_) failure_ = done.error();
      check_.step();
    }
  }

  Task<Result<void>> recognise_and_settle(std::size_t index) {
    auto answer = co_await recognise(index);
    if (!answer) co_return answer.error();
    settle(index, enrolled_[index] ? *answer : Answer::kDifferent);
    co_return Result<void>{};
  }

  Task<Result<void>> enrol(std::size_t index) {
    const std::string& path = check_.pairs[index].first;
    auto photo = read_file(check_.images / path);
    if (!photo) co_return photo.error();
    std::string target = person_target(gallery_, person(index)) + "/photos?min_face_px=0";
    std::string name(base_name(path));
    auto reply = co_await check_.client.post_photo(std::move(target), std::move(name), std::move(*photo));
    if (!reply && reply.error().code == Code::kInvalidInput) co_return Result<void>{};  // shows no face
    if (!reply) co_return reply.error();
    enrolled_[index] = true;
    const auto version = number_member(*reply, "version");
    if (!version) co_return version.error();
    version_ = std::max(version_, *version);
    co_return Result<void>{};
  }

  Task<Result<Answer>> recognise(std::size_t index) {
    const std::string& path = check_.pairs[index].second;
    for (std::size_t tries = 0; tries < kCatchUpTries; ++tries) {
      auto photo = read_file(check_.images / path);
      if (!photo) co_return photo.error();
      std::string target = "/v1/recognise?gallery=" + gallery_ + "&matches=" + std::string(kMatches);
      std::string name(base_name(path));
      auto reply = co_await check_.client.post_photo(std::move(target), std::move(name), std::move(*photo));
      if (!reply) co_return reply.error();
      const auto version = number_member(*reply, "gallery_version");
      if (!version) co_return version.error();
      if (*version >= version_) co_return read_answer(*reply, person(index));
      co_await sleep_for(kCatchUpPause);  // a worker looks for a newer version of a gallery about once a second
    }
    co_return Error{Code::kTimedOut, "the system does not come to search the newest version of its gallery", ""};
  }

  void settle(std::size_t index, Answer answer) {
    const std::optional<float>& similarity = check_.similarities[index];
    const bool same = similarity && *similarity >= check_.threshold;
    ++agreement_.pairs;
    if (answer == (same ? Answer::kSame : Answer::kDifferent)) {
      ++agreement_.agreed;
      return;
    }
    std::ostringstream sentence;
    sentence << check_.pairs[index].first << " and " << check_.pairs[index].second << ": similarity ";
    if (similarity) {
      sentence << *similarity;
    } else {
      sentence << "unknown (no face)";
    }
    sentence << " here, threshold " << check_.threshold << "; the system says "
             << (answer == Answer::kSame        ? "the same person"
                 : answer == Answer::kDifferent ? "different persons"
                                                : "nothing clear");
    agreement_.differences.push_back(sentence.str());
  }

  AgreementCheck check_;
  const std::string gallery_;
  std::vector<bool> enrolled_;
  double version_ = 0;
  std::optional<Error> failure_;
  Agreement agreement_;
};

}  // namespace

Task<Result<Agreement>> check_agreement(AgreementCheck check) {
  Checker checker(std::move(check));
  co_return co_await checker.run();
}

}  // namespace facefleet::tools
