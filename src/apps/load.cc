// facefleet load: sends photos to a running system and reports what came back.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "apps/command.h"
#include "apps/role.h"
#include "base/file.h"
#include "load/load.h"
#include "load/report.h"

namespace facefleet::apps {
namespace {

struct Flags {
  std::uint32_t requests = 0;
  std::string url;
  std::string ip_address;
  std::string folder;
  std::string predictions;
  std::uint32_t concurrency = 0;
  std::string field = "inputFile";
  double timeout_s = 0;
  bool print = false;
  std::string json;
};

constexpr std::uint32_t kCallersMax = 100;    // what the course's generator starts at once
constexpr std::uint32_t kComplaintsMax = 10;  // failures and wrong answers that are shown in full

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Follows the replies on stdout and stderr.
class Console {
 public:
  Console(const Flags& flags, const Clock& clock) : flags_(flags), clock_(clock), shown_at_(clock.now()) {}

  void show(const load::Reply& reply) {
    const bool answered = reply.verdict != load::Verdict::kFailed;
    if (flags_.print && answered) {
      std::cout << reply.name << " uploaded! Classification result: " << reply.label << '\n';
    }
    if (!answered) {
      complain(std::string(reply.name) + " failed: " + std::string(reply.failure));
    } else if (reply.verdict == load::Verdict::kWrong) {
      complain(std::string(reply.name) + " was answered `" + std::string(reply.label) + "`, expected `" +
               std::string(reply.expected) + "`");
    }
    const bool terminal = isatty(STDERR_FILENO) == 1;
    const MonoTime now = clock_.now();
    if (reply.done != flags_.requests && now - shown_at_ < (terminal ? Millis(200) : Millis(5'000))) return;
    shown_at_ = now;
    std::fprintf(stderr, "%s%u of %u answered%s", terminal ? "\r" : "", reply.done, flags_.requests,
                 terminal && reply.done != flags_.requests ? "" : "\n");
  }

 private:
  void complain(const std::string& sentence) {
    if (++complaints_ <= kComplaintsMax) std::cerr << sentence << '\n';
    if (complaints_ == kComplaintsMax) std::cerr << "further ones are only counted\n";
  }

  const Flags& flags_;
  const Clock& clock_;
  MonoTime shown_at_;
  std::uint32_t complaints_ = 0;
};

int run(const Flags& flags) {
  const auto url = net::parse_url(flags.url.empty() ? "http://" + flags.ip_address + ":8000/" : flags.url);
  if (!url) return refuse(url.error());
  const auto photos = load::read_photos(flags.folder, flags.requests);
  if (!photos) return refuse(photos.error());
  load::Predictions predictions;
  if (!flags.predictions.empty()) {
    auto read = load::read_predictions(flags.predictions);
    if (!read) return refuse(read.error());
    predictions = std::move(*read);
  }

  load::Options options;
  options.url = *url;
  options.requests = flags.requests;
  options.concurrency = flags.concurrency > 0 ? flags.concurrency : std::min(flags.requests, kCallersMax);
  options.field = flags.field;
  options.timeout = Millis(static_cast<std::int64_t>(flags.timeout_s * 1e3));

  const SystemClock clock;
  SystemRandom random;
  Console console(flags, clock);
  asio::io_context context(1);
  const double cpu_before = cpu_seconds();  // reading the photos is not part of the load
  std::optional<load::Outcome> outcome;
  asio::co_spawn(context,
                 load::run(options, *photos, predictions, clock, random,
                           [&console](const load::Reply& reply) { console.show(reply); }),
                 [&outcome](const std::exception_ptr& error, load::Outcome result) {
                   if (error) std::rethrow_exception(error);
                   outcome = std::move(result);
                 });
  context.run();
  const double cpu_s = cpu_seconds() - cpu_before;

  std::cout << to_text(*outcome, cpu_s) << std::flush;
  if (!flags.json.empty()) {
    const auto written = write_file_atomic(flags.json, to_json(*outcome, cpu_s));
    if (!written) return refuse(written.error());
  }
  return outcome->wrong == 0 && outcome->failed == 0 ? 0 : 1;
}

}  // namespace

Command add_load(CLI::App& root) {
  CLI::App* app = root.add_subcommand("load", "send photos to a running system; exit status 1 on any wrong or failed");
  const auto flags = std::make_shared<Flags>();
  app->add_option("--num_request", flags->requests, "how many requests to send, cycling through the photos by name")
      ->required()
      ->check(CLI::Range(1U, 100'000'000U));
  auto* target = app->add_option_group("target", "where to send them");
  target->add_option("--url", flags->url, "the whole URL, as in http://127.0.0.1:8000/");
  target->add_option("--ip_addr", flags->ip_address, "an address A that stands for http://A:8000/");
  target->require_option(1);
  app->add_option("--image_folder", flags->folder, "a folder, subfolders included, or a ZIP file of photos")
      ->required()
      ->check(CLI::ExistingPath);
  app->add_option("--prediction_file", flags->predictions, "CSV `photo,label`, to check the answers against")
      ->check(CLI::ExistingFile);
  app->add_option("--concurrency", flags->concurrency, "callers at once (default: one a request, at most 100)")
      ->check(CLI::Range(1U, 65'535U));
  app->add_option("--field", flags->field, "name of the multipart field")->capture_default_str();
  app->add_option("--timeout_s", flags->timeout_s, "how long a caller waits for its answer (default: for ever)")
      ->check(CLI::PositiveNumber);
  app->add_flag("--print", flags->print, "print each photo's answer as it comes");
  app->add_option("--json", flags->json, "also write the report to this file");
  return {app, [flags] { return run(*flags); }};
}

}  // namespace facefleet::apps
