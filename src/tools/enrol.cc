#include "tools/enrol.h"

#include <algorithm>
#include <boost/json.hpp>
#include <iomanip>
#include <set>
#include <sstream>
#include <utility>

#include "base/hash.h"
#include "gallery/names.h"
#include "tools/together.h"
#include "vision/decode.h"

namespace facefleet::tools {
namespace {

constexpr std::size_t kBatchBytes = 64 << 20;

// One run: several callers take batches from one source.
class Run {
 public:
  Run(PhotoSource& source, Enroller& enroller, Follow follow)
      : source_(source), enroller_(enroller), follow_(std::move(follow)) {}

  Task<Summary> all() {
    const auto caller = [this] { return call(); };
    co_await together(enroller_.batches_at_once(), caller);
    co_return std::move(summary_);
  }

 private:
  struct Batch {
    std::vector<std::size_t> indices;  // into the source's entries
    std::vector<Photo> photos;
  };

  Task<> call() {
    while (!summary_.stopped) {
      Batch batch = next_batch();
      if (batch.photos.empty()) co_return;
      auto verdicts = co_await enroller_.enrol(std::move(batch.photos));
      if (!verdicts) {
        if (!summary_.stopped) summary_.stopped = verdicts.error();
        co_return;
      }
      for (std::size_t i = 0; i < verdicts->size(); ++i) settle(batch.indices[i], (*verdicts)[i]);
    }
  }

  Batch next_batch() {
    Batch batch;
    std::size_t bytes = 0;
    while (next_ < source_.entries().size() && batch.photos.size() < enroller_.batch_photos() && bytes < kBatchBytes) {
      const std::size_t index = next_++;
      auto photo = read(index);
      if (!photo) {
        settle(index, {Status::kRejected, photo.error().reason, photo.error().message});
        continue;
      }
      bytes += photo->bytes.size();
      batch.indices.push_back(index);
      batch.photos.push_back(std::move(*photo));
    }
    return batch;
  }

  // A photo that is worth sending.
  Result<Photo> read(std::size_t index) {
    const PhotoEntry& entry = source_.entries()[index];
    if (entry.label.empty())
      return Error{Code::kInvalidInput, "nothing says whose photo " + entry.path + " is", "no_label"};
    if (auto name = gallery::check_person_name(entry.label); !name) return name.error();
    auto bytes = source_.read(index);
    if (!bytes) return bytes.error();
    if (auto header = vision::Photo::open(*bytes); !header) return header.error();
    Photo photo{entry.path, entry.label, std::move(*bytes), ""};
    photo.sha256 = hex(sha256(photo.bytes));
    if (!seen_.emplace(photo.person, photo.sha256).second)
      return Error{Code::kInvalidInput, entry.path + " is a copy of another photo of " + entry.label, "duplicate"};
    return photo;
  }

  void settle(std::size_t index, const Verdict& verdict) {
    switch (verdict.status) {
      case Status::kEnrolled: ++summary_.enrolled; break;
      case Status::kPresent: ++summary_.present; break;
      case Status::kRejected: ++summary_.rejected[verdict.reason]; break;
      case Status::kFailed: ++summary_.failed; break;
    }
    follow_(source_.entries()[index], verdict);
  }

  PhotoSource& source_;
  Enroller& enroller_;
  Follow follow_;
  std::size_t next_ = 0;
  std::set<std::pair<std::string, std::string>> seen_;  // person, digest
  Summary summary_;
};

}  // namespace

std::string_view to_string(Status status) {
  switch (status) {
    case Status::kEnrolled: return "enrolled";
    case Status::kPresent: return "already_enrolled";
    case Status::kRejected: return "rejected";
    case Status::kFailed: return "failed";
  }
  return "";
}

Task<Summary> enrol_all(PhotoSource& source, Enroller& enroller, Follow follow) {
  Run run(source, enroller, std::move(follow));
  co_return co_await run.all();
}

std::string to_json_line(const PhotoEntry& entry, const Verdict& verdict) {
  boost::json::object line = {{"photo", entry.path}, {"person", entry.label}, {"status", to_string(verdict.status)}};
  if (!verdict.reason.empty()) line["reason"] = verdict.reason;
  if (!verdict.message.empty()) line["message"] = verdict.message;
  return boost::json::serialize(line) + "\n";
}

std::string to_text(const Summary& summary) {
  std::ostringstream out;
  const auto row = [&](std::string_view what, std::size_t count) {
    out << std::left << std::setw(28) << what << std::right << std::setw(9) << count << '\n';
  };
  row("enrolled", summary.enrolled);
  row("already enrolled", summary.present);
  for (const auto& [reason, count] : summary.rejected) row("rejected: " + reason, count);
  if (summary.failed > 0) row("failed", summary.failed);
  return out.str();
}

}  // namespace facefleet::tools
