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
#include "apps/trace_play.h"
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
  TraceFlags played;
};

constexpr std::uint32_t kCallersMax = 100;         // what the course's generator starts at once
constexpr std::uint32_t kTraceCallersMax = 1'000;  // what a trace may have under way at once
constexpr std::uint32_t kComplaintsMax = 10;       // failures and wrong answers that are shown in full

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
  Console(const Flags& flags, std::uint32_t requests, const Clock& clock)
      : flags_(flags), requests_(requests), clock_(clock), shown_at_(clock.now()) {}

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
    if (reply.done != requests_ && now - shown_at_ < (terminal ? Millis(200) : Millis(5'000))) return;
    shown_at_ = now;
    std::fprintf(stderr, "%s%u of %u answered%s", terminal ? "\r" : "", reply.done, requests_,
                 terminal && reply.done != requests_ ? "" : "\n");
  }

 private:
  void complain(const std::string& sentence) {
    if (++complaints_ <= kComplaintsMax) std::cerr << sentence << '\n';
    if (complaints_ == kComplaintsMax) std::cerr << "further ones are only counted\n";
  }

  const Flags& flags_;
  const std::uint32_t requests_;
  const Clock& clock_;
  MonoTime shown_at_;
  std::uint32_t complaints_ = 0;
};

// Everything that a run needs, read before the clock starts.
struct Plan {
  load::Options options;
  std::vector<load::Photo> photos;
  load::Predictions predictions;
  std::optional<sim::Trace> trace;
};

Result<Plan> make_plan(const Flags& flags) {
  Plan plan;
  auto url = net::parse_url(flags.url.empty() ? "http://" + flags.ip_address + ":8000/" : flags.url);
  if (!url) return url.error();
  plan.options.url = std::move(*url);
  plan.options.requests = flags.requests;
  if (!flags.played.trace.empty()) {
    auto trace = read_trace(flags.played, flags.requests);
    if (!trace) return trace.error();
    plan.options.arrivals = trace->arrivals;
    plan.options.requests = static_cast<std::uint32_t>(trace->arrivals.size());
    plan.trace = std::move(*trace);
  }
  const std::uint32_t callers_max = plan.trace ? kTraceCallersMax : kCallersMax;
  plan.options.concurrency = flags.concurrency > 0 ? flags.concurrency : std::min(plan.options.requests, callers_max);
  plan.options.field = flags.field;
  plan.options.timeout = Millis(static_cast<std::int64_t>(flags.timeout_s * 1e3));
  auto photos = load::read_photos(flags.folder, plan.options.requests);
  if (!photos) return photos.error();
  plan.photos = std::move(*photos);
  if (!flags.predictions.empty()) {
    auto read = load::read_predictions(flags.predictions);
    if (!read) return read.error();
    plan.predictions = std::move(*read);
  }
  return plan;
}

// The load, and a watch on the fleet while a trace is played.
Task<Result<load::Outcome>> send_all(const Plan& plan, FleetWatch* watch, const Clock& clock, Random& random,
                                     Console& console) {
  const Executor executor = co_await asio::this_coro::executor;
  OneShot<bool> emptied(executor);
  if (watch != nullptr) {
    auto begun = co_await watch->begin();
    if (!begun) co_return begun.error();
    asio::co_spawn(executor, watch->run(), [&emptied](const std::exception_ptr&) { emptied.set(true); });
  }
  load::OnReply on_reply = [&console](const load::Reply& reply) { console.show(reply); };
  load::Options options = plan.options;
  load::Outcome outcome =
      co_await load::run(std::move(options), plan.photos, plan.predictions, clock, random, std::move(on_reply));
  if (watch != nullptr) {
    std::fputs("waiting until the fleet is empty again\n", stderr);
    watch->load_is_over();
    co_await emptied.wait_until(MonoTime::max());
  }
  co_return outcome;
}

int run(const Flags& flags) {
  const auto plan = make_plan(flags);
  if (!plan) return refuse(plan.error());
  const SystemClock clock;
  SystemRandom random;
  Console console(flags, plan->options.requests, clock);
  asio::io_context context(1);
  std::optional<FleetWatch> watch;
  if (plan->trace) watch.emplace(context.get_executor(), plan->options.url, clock);
  const double cpu_before = cpu_seconds();  // reading the photos is not part of the load
  std::optional<Result<load::Outcome>> outcome;
  asio::co_spawn(context, send_all(*plan, watch ? &*watch : nullptr, clock, random, console),
                 [&outcome](const std::exception_ptr& error, Result<load::Outcome> result) {
                   if (error) std::rethrow_exception(error);
                   outcome = std::move(result);
                 });
  context.run();
  if (!*outcome) return refuse(outcome->error());
  const double cpu_s = cpu_seconds() - cpu_before;

  const load::Outcome& all = **outcome;
  std::cout << to_text(all, cpu_s) << std::flush;
  std::string report = to_json(all, cpu_s);
  if (plan->trace) {
    const auto played = compare_with_simulation(flags.played, *plan->trace, watch->seen(), all);
    if (!played) return refuse(played.error());
    std::cout << to_text(*played) << std::flush;
    report.insert(report.rfind('}'), ",\"played\":" + to_json(*played));
  }
  if (!flags.json.empty()) {
    const auto written = write_file_atomic(flags.json, report);
    if (!written) return refuse(written.error());
  }
  return all.wrong == 0 && all.failed == 0 ? 0 : 1;
}

void add_trace_flags(CLI::App& app, TraceFlags& flags) {
  auto* trace =
      app.add_option("--trace", flags.trace,
                     "play this trace (a name or a CSV file, as `facefleet sim` has them) and say how far the "
                     "system is from the simulator");
  app.add_option("--time-scale", flags.time_scale, "times of the trace are multiplied by this; 0.1: ten times as fast")
      ->capture_default_str()
      ->check(CLI::Range(1e-4, 1e4))
      ->needs(trace);
  app.add_option("--seed", flags.seed, "what the trace is drawn from")->capture_default_str()->needs(trace);
  app.add_option("--profile", flags.profile, "for the simulator: that of the system (default: the one it names)")
      ->needs(trace);
  app.add_option("--set", flags.set, "for the simulator: keys that the system was started with, as key=value")
      ->allow_extra_args(false)
      ->needs(trace);
}

}  // namespace

Command add_load(CLI::App& root) {
  CLI::App* app = root.add_subcommand("load", "send photos to a running system; exit status 1 on any wrong or failed");
  const auto flags = std::make_shared<Flags>();
  app->add_option("--num_request", flags->requests,
                  "how many requests to send, cycling through the photos by name (of a trace: its first ones)")
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
  add_trace_flags(*app, flags->played);
  return {
      app, [flags] {
        if (flags->requests == 0 && flags->played.trace.empty())
          return refuse({Code::kInvalidInput, "say how many requests to send (--num_request), or which --trace", ""});
        return run(*flags);
      }};
}

}  // namespace facefleet::apps
