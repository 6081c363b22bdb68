#include "tools/eval.h"

#include <algorithm>
#include <boost/json.hpp>
#include <iomanip>
#include <optional>
#include <sstream>
#include <utility>

#include "base/file.h"
#include "gallery/search.h"

namespace facefleet::tools {

std::vector<std::string> photos_of(const std::vector<Pair>& pairs) {
  std::vector<std::string> photos;
  for (const Pair& pair : pairs) {
    photos.push_back(pair.first);
    photos.push_back(pair.second);
  }
  std::ranges::sort(photos);
  photos.erase(std::unique(photos.begin(), photos.end()), photos.end());
  return photos;
}

Result<Embedded> embed_photos(PipelinePool& pool, const std::filesystem::path& images,
                              const std::vector<std::string>& photos, const std::function<void()>& step) {
  Embedded out;
  out.embeddings.resize(photos.size());
  std::optional<Error> unreadable;
  const auto read = [&](std::size_t index) -> Result<Bytes> {
    auto photo = read_file(images / photos[index]);
    if (!photo) unreadable = photo.error();
    return photo;
  };
  const auto done = [&](std::size_t index, Result<vision::Analysis> analysis) {
    const bool face = analysis && analysis->main_face >= 0;
    if (face) {
      out.embeddings[index] = std::move(analysis->faces[static_cast<std::size_t>(analysis->main_face)].embedding);
    } else {
      ++out.misses;
    }
    step();
  };
  vision::AnalyseOptions options;
  options.embed_all = false;
  pool.run(photos.size(), options, read, done);
  if (unreadable) return *unreadable;
  return out;
}

Similarities compare(const std::vector<Pair>& pairs, const std::vector<std::string>& photos, const Embedded& embedded) {
  const auto embedding = [&](const std::string& photo) -> const std::vector<float>& {
    return embedded.embeddings[static_cast<std::size_t>(std::ranges::lower_bound(photos, photo) - photos.begin())];
  };
  Similarities out(pairs.size());
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const std::vector<float>& first = embedding(pairs[i].first);
    const std::vector<float>& second = embedding(pairs[i].second);
    if (!first.empty() && !second.empty()) out[i] = gallery::similarity(first.data(), second.data(), first.size());
  }
  return out;
}

std::string to_json(const Scores& scores) {
  const boost::json::object root = {{"accuracy", scores.accuracy},
                                    {"accuracy_se", scores.accuracy_se},
                                    {"tar_at_far", {{"0.01", scores.tar_at_far_01}, {"0.001", scores.tar_at_far_001}}},
                                    {"misses", scores.misses},
                                    {"pairs", scores.pairs}};
  return boost::json::serialize(root) + "\n";
}

std::string to_text(const Scores& scores) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(2) << "accuracy          " << 100 * scores.accuracy << " % ± "
      << 100 * scores.accuracy_se << " (standard error over the folds)\n"
      << "TAR at FAR 0.01   " << 100 * scores.tar_at_far_01 << " %\n"
      << "TAR at FAR 0.001  " << 100 * scores.tar_at_far_001 << " %\n"
      << "photos without a face  " << scores.misses << ", of " << scores.pairs << " pairs\n";
  return out.str();
}

std::vector<std::size_t> spread(std::size_t pairs, std::size_t count) {
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < std::min(pairs, count); ++i) indices.push_back(i * pairs / std::min(pairs, count));
  return indices;
}

}  // namespace facefleet::tools
