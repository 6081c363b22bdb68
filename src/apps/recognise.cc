// facefleet recognise: photos from files, without a server.
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "apps/command.h"
#include "apps/pipeline_options.h"
#include "apps/place.h"
#include "apps/target.h"
#include "base/file.h"
#include "gateway/replies.h"
#include "worker/recognise.h"

namespace facefleet::apps {
namespace {

struct Flags {
  std::vector<std::string> files;
  std::string data, profile;
  std::string gallery = "default";
  bool gallery_less = false;
  bool as_json = false;
};

using Gallery = std::shared_ptr<const gallery::Snapshot>;

jobs::Outcome recognise_file(const std::string& file, const Flags& flags, const Gallery& gallery,
                             vision::Pipeline& pipeline, float threshold) {
  jobs::Job job;
  job.name = std::filesystem::path(file).filename().string();
  job.gallery = gallery ? flags.gallery : "";
  const auto photo = read_file(file);
  if (!photo) return worker::failed(job, "unreadable", photo.error().message);
  return worker::recognise(job, *photo, gallery.get(), pipeline, threshold);
}

void print_text(const std::string& file, const jobs::Outcome& outcome) {
  if (!outcome.error_reason.empty()) {
    std::printf("%s: %s (%s)\n", file.c_str(), outcome.error_message.c_str(), outcome.error_reason.c_str());
    return;
  }
  std::printf("%s: %s%s%zu %s", file.c_str(), outcome.label.c_str(), outcome.label.empty() ? "" : ", ",
              outcome.faces.size(), outcome.faces.size() == 1 ? "face" : "faces");
  if (outcome.rotation != 0) std::printf(", turned by %d degrees", outcome.rotation);
  std::printf("\n");
  for (std::size_t i = 0; i < outcome.faces.size(); ++i) {
    const jobs::Face& face = outcome.faces[i];
    std::printf("  %s %.0fx%.0f at %.0f,%.0f  score %.3f", static_cast<int>(i) == outcome.main_face ? "*" : " ",
                face.box.width, face.box.height, face.box.x, face.box.y, face.score);
    if (!face.matches.empty())
      std::printf("  %s (%s %.3f)", face.label.c_str(), face.matches.front().person.c_str(),
                  face.matches.front().similarity);
    std::printf("\n");
  }
}

// Prints each photo as soon as it is recognised; returns the exit status: kExitFailed if any photo was refused.
int recognise_all(const Flags& flags, const Gallery& gallery, vision::Pipeline& pipeline, float threshold) {
  int status = 0;
  if (flags.as_json) std::printf("[");
  for (std::size_t i = 0; i < flags.files.size(); ++i) {
    const jobs::Outcome outcome = recognise_file(flags.files[i], flags, gallery, pipeline, threshold);
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

int recognise_with(const Flags& flags, const config::Profile& profile, const Gallery& gallery) {
  const auto options =
      pipeline_options(profile, flags.data.empty() ? std::filesystem::path() : model_cache_dir(flags.data));
  if (!options) return refuse(options.error());
  const auto pipeline = vision::Pipeline::open(*options);
  if (!pipeline) return refuse(pipeline.error());
  const auto threshold = static_cast<float>(profile.vision_threshold);
  return recognise_all(flags, gallery, **pipeline, threshold > 0 ? threshold : (*pipeline)->threshold());
}

Task<int> recognise_in_gallery(const Flags& flags, const StoppedSystem& system) {
  const auto snapshot = co_await system.galleries->snapshot(flags.gallery, Millis{0});
  if (!snapshot) co_return fail(snapshot.error());
  if ((*snapshot)->version() == 0)
    std::fprintf(stderr, "facefleet: there is no gallery `%s` in %s yet; everybody is unknown\n", flags.gallery.c_str(),
                 flags.data.c_str());
  co_return recognise_with(flags, system.profile, *snapshot);
}

int run(const Flags& flags) {
  if (flags.data.empty()) {
    const auto loaded = load_profile_by_name(flags.profile.empty() ? "default" : flags.profile);
    if (!loaded) return refuse(loaded.error());
    return recognise_with(flags, loaded->profile, nullptr);
  }
  Role role("recognise");
  auto system = open_stopped(role, flags.data);
  if (!system) return refuse(system.error());
  if (!flags.profile.empty()) {
    auto loaded = load_profile_by_name(flags.profile);
    if (!loaded) return refuse(loaded.error());
    system->profile = std::move(loaded->profile);
  }
  return run_command(role, recognise_in_gallery(flags, *system));
}

}  // namespace

Command add_recognise(CLI::App& root) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* app = root.add_subcommand("recognise", "Find the faces in photo files, and with --data who they are");
  app->add_option("FILE", flags->files, "JPEG, PNG or WebP photos")->required();
  auto* data =
      app->add_option("--data", flags->data, "compare with the galleries of this data folder, of a system that is down")
          ->check(CLI::ExistingDirectory);
  app->add_option("--gallery", flags->gallery, "which of its galleries")->capture_default_str()->needs(data);
  app->add_flag("--gallery-less", flags->gallery_less, "find faces and name nobody (the default without --data)")
      ->excludes(data);
  app->add_option("--profile", flags->profile, "whose models (default: the data folder's, else `default`)");
  app->add_flag("--json", flags->as_json, "print what the API would answer, one object a photo");
  return {app, [flags] { return run(*flags); }};
}

}  // namespace facefleet::apps
