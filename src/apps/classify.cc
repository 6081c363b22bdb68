// facefleet classify: what is in photos from files, without a server.
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "apps/command.h"
#include "apps/pipeline_options.h"
#include "apps/place.h"
#include "apps/role.h"
#include "base/file.h"
#include "gateway/replies.h"
#include "worker/recognise.h"

namespace facefleet::apps {
namespace {

struct Flags {
  std::vector<std::string> files;
  std::string profile = "default";
  std::uint32_t top = 5;
  bool as_json = false;
};

jobs::Outcome classify_file(const std::string& file, const Flags& flags, vision::Classifier& classifier) {
  jobs::Job job;
  job.kind = jobs::Kind::kClassify;
  job.name = std::filesystem::path(file).filename().string();
  job.matches_max = flags.top;
  const auto photo = read_file(file);
  if (!photo) return worker::failed(job, "unreadable", photo.error().message);
  return worker::classify(job, *photo, classifier);
}

void print_text(const std::string& file, const jobs::Outcome& outcome) {
  if (!outcome.error_reason.empty()) {
    std::printf("%s: %s (%s)\n", file.c_str(), outcome.error_message.c_str(), outcome.error_reason.c_str());
    return;
  }
  std::printf("%s: %s\n", file.c_str(), outcome.label.c_str());
  for (const jobs::Class& one : outcome.classes) std::printf("  %.3f  %s\n", one.score, one.name.c_str());
}

int run(const Flags& flags) {
  const auto loaded = load_profile_by_name(flags.profile);
  if (!loaded) return refuse(loaded.error());
  const auto options = classifier_options(loaded->profile, {});
  if (!options) return refuse(options.error());
  const auto classifier = vision::Classifier::open(*options);
  if (!classifier) return refuse(classifier.error());
  int status = 0;
  if (flags.as_json) std::printf("[");
  for (std::size_t i = 0; i < flags.files.size(); ++i) {
    const jobs::Outcome outcome = classify_file(flags.files[i], flags, **classifier);
    if (!outcome.error_reason.empty()) status = kExitFailed;
    if (flags.as_json) {
      jobs::JsonWriter out;
      gateway::write_outcome(out, outcome, std::nullopt);
      std::printf("%s%s", i == 0 ? "" : ",\n ", out.take().c_str());
    } else {
      print_text(flags.files[i], outcome);
    }
    std::fflush(stdout);
  }
  if (flags.as_json) std::printf("]\n");
  return status;
}

}  // namespace

Command add_classify(CLI::App& root) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* app = root.add_subcommand("classify", "Say what is in photo files, of the classes that the model knows");
  app->add_option("FILE", flags->files, "JPEG, PNG or WebP photos")->required();
  app->add_option("--top", flags->top, "how many classes to name")->capture_default_str()->check(CLI::Range(1, 1'000));
  app->add_option("--profile", flags->profile, "whose model")->capture_default_str();
  app->add_flag("--json", flags->as_json, "print what the API would answer, one object a photo");
  return {app, [flags] { return run(*flags); }};
}

}  // namespace facefleet::apps
