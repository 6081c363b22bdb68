#include "gallery/snapshot.h"

#include <algorithm>
#include <map>
#include <utility>

#include "gallery/names.h"

namespace facefleet::gallery {
namespace {

class SegmentSnapshot final : public Snapshot {
 public:
  SegmentSnapshot(const Manifest& manifest, std::vector<std::shared_ptr<const Segment>> segments)
      : version_(manifest.exists() ? manifest.version : 0), model_(manifest.model), segments_(std::move(segments)) {
    for (const auto& segment : segments_) size_ += segment->rows().count;
  }

  std::int64_t version() const override { return version_; }
  const std::string& model() const override { return model_; }
  std::uint64_t size() const override { return size_; }

  std::vector<PersonInfo> persons() const override {
    std::map<std::string_view, std::uint32_t> counts;
    for (const auto& segment : segments_) {
      const PersonTable& persons = segment->persons();
      for (std::size_t i = 0; i < persons.size(); ++i)
        counts[persons.name(i)] += persons.starts[i + 1] - persons.starts[i];
    }
    std::vector<PersonInfo> out;
    out.reserve(counts.size());
    for (const auto& [person, templates] : counts) out.push_back({std::string(person), templates});
    return out;
  }

  std::vector<Template> templates(const std::string& person) const override {
    std::vector<Template> out;
    for (const auto& segment : segments_) {
      const Segment::Range range = segment->rows_of(person);
      for (std::size_t row = range.first; row < range.end; ++row) out.push_back(segment->row(row));
    }
    return out;
  }

  bool holds(const std::string& person, const std::string& photo_sha256) const override {
    return is_sha256(photo_sha256) && gallery::holds(segments_, person, unhex(photo_sha256));
  }

  std::vector<Match> search(const std::vector<float>& embedding, std::uint32_t persons_max) const override {
    return std::move(search_all({embedding}, persons_max).front());
  }

  std::vector<std::vector<Match>> search_all(const std::vector<std::vector<float>>& embeddings,
                                             std::uint32_t persons_max) const override {
    std::vector<std::vector<Match>> out(embeddings.size());
    if (segments_.empty() || persons_max == 0) return out;
    std::vector<Query> queries;
    for (const std::vector<float>& embedding : embeddings) {
      // Another model's embedding resembles nobody.
      if (embedding.size() != segments_.front()->rows().dimensions) return out;
      queries.emplace_back(embedding);
    }
    std::vector<BestPersons> best(queries.size(), BestPersons(persons_max));
    for (const auto& segment : segments_) search_rows(best_isa(), segment->rows(), queries, best);
    std::ranges::transform(best, out.begin(), &BestPersons::matches);
    return out;
  }

 private:
  std::int64_t version_;
  std::string model_;
  std::vector<std::shared_ptr<const Segment>> segments_;
  std::uint64_t size_ = 0;
};

}  // namespace

bool holds(const std::vector<std::shared_ptr<const Segment>>& segments, std::string_view person, BytesView digest) {
  return std::ranges::any_of(segments, [&](const auto& segment) { return segment->holds(person, digest); });
}

std::shared_ptr<const Snapshot> make_snapshot(const Manifest& manifest,
                                              std::vector<std::shared_ptr<const Segment>> segments) {
  return std::make_shared<SegmentSnapshot>(manifest, std::move(segments));
}

}  // namespace facefleet::gallery
