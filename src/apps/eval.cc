// facefleet eval: how good the models are, and whether a running system decides as they do.
#include "tools/eval.h"

#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>

#include "apps/command.h"
#include "apps/pipeline_options.h"
#include "apps/place.h"
#include "apps/target.h"
#include "base/file.h"
#include "tools/progress.h"

namespace facefleet::apps {
namespace {

struct Flags {
  TargetFlags target;
  std::string images, pairs, json;
  std::string profile = "default";
  std::size_t threads = 0;
  std::size_t limit = 500;
  bool against_system = false;
};

constexpr std::size_t kDifferencesShown = 10;

Task<int> compare_with_system(Role& role, const Flags& flags, const std::vector<tools::Pair>& pairs,
                              const tools::Similarities& similarities, float threshold) {
  auto client = co_await open_running(flags.target);
  if (!client) co_return fail(client.error());
  const std::vector<std::size_t> chosen = tools::spread(pairs.size(), flags.limit);
  tools::Progress progress(std::cerr, isatty(STDERR_FILENO) == 1, "photos through the API", 2 * chosen.size(),
                           role.clock);
  tools::AgreementCheck check{**client, role.random, flags.images, {}, {}, threshold, [&progress] { progress.step(); }};
  for (const std::size_t i : chosen) {
    check.pairs.push_back(pairs[i]);
    check.similarities.push_back(similarities[i]);
  }
  const auto agreement = co_await tools::check_agreement(std::move(check));
  progress.end();
  if (!agreement) co_return fail(agreement.error());
  std::cout << "the system decides " << agreement->agreed << " of " << agreement->pairs << " pairs as decided here\n";
  for (std::size_t i = 0; i < std::min(kDifferencesShown, agreement->differences.size()); ++i)
    std::cout << agreement->differences[i] << '\n';
  std::cout << std::flush;
  co_return agreement->agreed == agreement->pairs ? 0 : kExitFailed;
}

int run_pairs(const Flags& flags) {
  const auto text = read_file(flags.pairs);
  if (!text) return refuse(text.error());
  const auto pairs = tools::parse_pairs(*text);
  if (!pairs) return refuse({pairs.error().code, flags.pairs + ": " + pairs.error().message, pairs.error().reason});
  const auto loaded = load_profile_by_name(flags.profile);
  if (!loaded) return refuse(loaded.error());
  const auto options = pipeline_options(loaded->profile, {});
  if (!options) return refuse(options.error());
  const auto pool = tools::PipelinePool::open(*options, flags.threads);
  if (!pool) return refuse(pool.error());

  Role role("eval");
  const std::vector<std::string> photos = tools::photos_of(*pairs);
  tools::Progress progress(std::cerr, isatty(STDERR_FILENO) == 1, "photos", photos.size(), role.clock);
  const auto embedded = tools::embed_photos(**pool, flags.images, photos, [&] { progress.step(); });
  progress.end();
  if (!embedded) return refuse(embedded.error());
  const tools::Similarities similarities = tools::compare(*pairs, photos, *embedded);
  tools::Scores scores = tools::score(*pairs, similarities);
  scores.misses = embedded->misses;
  std::cout << (*pool)->front().embedder_version() << ", " << (*pool)->front().precision() << '\n'
            << tools::to_text(scores) << std::flush;
  if (!flags.json.empty()) {
    if (const auto written = write_file_atomic(flags.json, tools::to_json(scores)); !written)
      return refuse(written.error());
  }
  if (!flags.against_system) return 0;
  const float threshold = (*pool)->front().threshold();
  return run_command(role, compare_with_system(role, flags, *pairs, similarities, threshold));
}

}  // namespace

Command add_eval(CLI::App& root) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* app = root.add_subcommand("eval", "Measure how well the models tell people apart");
  app->require_subcommand(1);
  CLI::App* pairs = app->add_subcommand("pairs", "verification, by the protocol of Labeled Faces in the Wild");
  pairs->add_option("--images", flags->images, "folder with one folder of photos a person")
      ->required()
      ->check(CLI::ExistingDirectory);
  pairs->add_option("--pairs", flags->pairs, "pairs.txt")->required()->check(CLI::ExistingFile);
  pairs->add_option("--json", flags->json, "also write the figures to this file");
  pairs->add_option("--profile", flags->profile, "whose models")->capture_default_str();
  pairs->add_option("--threads", flags->threads, "photos computed at once (default: one a processor)");
  auto* url = pairs->add_option("--url", flags->target.url, "also decide pairs through this running system's API");
  pairs->add_option("--limit", flags->limit, "with --url: how many pairs")->capture_default_str()->needs(url);
  pairs->add_option("--key", flags->target.key, "with --url: an API key")->envname("FACEFLEET_KEY");
  return {app, [flags, url] {
            flags->against_system = url->count() > 0;
            return run_pairs(*flags);
          }};
}

}  // namespace facefleet::apps
