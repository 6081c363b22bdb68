// facefleet enrol: photos of known persons into a gallery.
#include "tools/enrol.h"

#include <unistd.h>

#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "apps/command.h"
#include "apps/pipeline_options.h"
#include "apps/place.h"
#include "apps/target.h"
#include "gallery/names.h"
#include "tools/progress.h"

namespace facefleet::apps {
namespace {

struct Flags {
  TargetFlags target;
  std::string source, labels, report;
  std::string gallery = "default";
  std::size_t threads = 0;
};

// Enrols everything, showing and reporting what becomes of each photo.
Task<int> enrol_into(const Flags& flags, const Clock& clock, tools::PhotoSource& source, tools::Enroller& enroller) {
  std::ofstream report;
  if (!flags.report.empty()) {
    report.open(flags.report, std::ios::trunc);
    if (!report) co_return refuse({Code::kInvalidInput, "cannot write the report " + flags.report, ""});
  }
  tools::Progress progress(std::cerr, isatty(STDERR_FILENO) == 1, "photos", source.entries().size(), clock);
  tools::Follow follow = [&](const tools::PhotoEntry& entry, const tools::Verdict& verdict) {
    if (report.is_open()) report << tools::to_json_line(entry, verdict) << std::flush;
    progress.step();
  };
  const tools::Summary summary = co_await tools::enrol_all(source, enroller, std::move(follow));
  progress.end();
  std::cout << tools::to_text(summary) << std::flush;
  if (summary.stopped) co_return fail(*summary.stopped);
  if (report.is_open() && !report)
    co_return fail({Code::kInternal, "the report " + flags.report + " is incomplete", ""});
  co_return summary.success() ? 0 : kExitFailed;
}

Task<int> enrol_running(const Flags& flags, const Clock& clock, tools::PhotoSource& source) {
  auto client = co_await open_running(flags.target);
  if (!client) co_return fail(client.error());
  const auto enroller = tools::open_remote_enroller(**client, flags.gallery);
  co_return co_await enrol_into(flags, clock, source, *enroller);
}

int run(const Flags& flags) {
  if (const auto named = gallery::check_gallery_name(flags.gallery); !named) return refuse(named.error());
  std::optional<std::filesystem::path> labels;
  if (!flags.labels.empty()) labels = flags.labels;
  const auto source = tools::PhotoSource::open(flags.source, labels);
  if (!source) return refuse(source.error());
  Role role("enrol");
  if (flags.target.data.empty()) return run_command(role, enrol_running(flags, role.clock, **source));

  const auto system = open_stopped(role, flags.target.data);
  if (!system) return fail(system.error());
  const auto options = pipeline_options(system->profile, model_cache_dir(flags.target.data));
  if (!options) return refuse(options.error());
  const auto pool = tools::PipelinePool::open(*options, flags.threads);
  if (!pool) return refuse(pool.error());
  const auto enroller =
      tools::open_local_enroller({*system->galleries, **pool, flags.gallery, system->profile.gallery_chips});
  return run_command(role, enrol_into(flags, role.clock, **source, *enroller));
}

}  // namespace

Command add_enrol(CLI::App& root) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* app = root.add_subcommand("enrol", "Enrol photos of known persons; run it again to go on where it stopped");
  app->add_option("SOURCE", flags->source, "a folder or ZIP file, with one folder a person unless --labels is given")
      ->required();
  app->add_option("--labels", flags->labels, "CSV `file,label`; a file is matched by its name, or up to its first dot")
      ->check(CLI::ExistingFile);
  app->add_option("--gallery", flags->gallery, "which gallery")->capture_default_str();
  app->add_option("--report", flags->report, "write what became of each photo to this file, as lines of JSON");
  app->add_option("--threads", flags->threads, "with --data: photos computed at once (default: one a processor)");
  add_target_flags(*app, flags->target);
  return {app, [flags] { return run(*flags); }};
}

}  // namespace facefleet::apps
