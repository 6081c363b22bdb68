// How good the models are on pairs of photos, and whether a running system decides as they do.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/task.h"
#include "tools/api_client.h"
#include "tools/pairs.h"
#include "tools/pipeline_pool.h"

namespace facefleet::tools {

// Photos that appear in pairs, each once.
std::vector<std::string> photos_of(const std::vector<Pair>& pairs);

struct Embedded {
  std::vector<std::vector<float>> embeddings;  // of each photo's main face; empty: it shows none
  std::size_t misses = 0;
};

// Embeds photos under `images`, on all of the pool's threads; blocks. `step` is called once for each. A photo that
// cannot be read is an error; one that cannot be decoded is a miss.
Result<Embedded> embed_photos(PipelinePool& pool, const std::filesystem::path& images,
                              const std::vector<std::string>& photos, const std::function<void()>& step);

// Cosine similarities of the pairs; `photos` are sorted, as photos_of gives them.
Similarities compare(const std::vector<Pair>& pairs, const std::vector<std::string>& photos, const Embedded& embedded);

// The keys of `--json`, and a few lines for people.
std::string to_json(const Scores& scores);
std::string to_text(const Scores& scores);

struct Agreement {
  std::size_t pairs = 0, agreed = 0;
  std::vector<std::string> differences;  // one sentence each
};

// Decides pairs through the API: enrols the first photo of each, as a person of its own, in a scratch gallery,
// recognises the second there, and looks whether that person is among the matches above the threshold. Compares that
// with `similarities` at `threshold`. The scratch gallery is deleted, whatever happens.
struct AgreementCheck {
  ApiClient& client;
  Random& random;
  std::filesystem::path images;
  std::vector<Pair> pairs;  // those to decide
  Similarities similarities;
  float threshold = 0;
  std::function<void()> step;  // called twice a pair
};
Task<Result<Agreement>> check_agreement(AgreementCheck check);

// `count` of the pairs, evenly spread, as indices.
std::vector<std::size_t> spread(std::size_t pairs, std::size_t count);

}  // namespace facefleet::tools
