// facefleet sim: scaling policies on a simulated clock, beside each other.
#include <cmath>
#include <iostream>
#include <memory>
#include <string>

#include "apps/command.h"
#include "apps/role.h"
#include "base/file.h"
#include "sim/comparison.h"
#include "sim/report.h"

namespace facefleet::apps {
namespace {

struct Flags {
  std::vector<std::string> policies{"all"};
  std::vector<std::string> traces{"all"};
  double start_s = 0.2;
  double service_s = 0.1;
  double wait_s = 1;
  double tick_s = 0.1;
  double lease_s = 30;
  std::uint32_t cap = 20;
  std::uint64_t seed = 1;
  bool tuned = false;
  std::string json, html, arrivals;
};

sim::Micros micros(double seconds) { return sim::Micros(std::llround(seconds * 1e6)); }

Result<std::vector<sim::Trace>> read_traces(const Flags& flags) {
  std::vector<std::string> names;
  for (const std::string& name : flags.traces) {
    if (name != "all") {
      names.push_back(name);
      continue;
    }
    for (const sim::TraceKind& kind : sim::trace_kinds()) names.emplace_back(kind.name);
  }
  std::vector<sim::Trace> traces;
  for (const std::string& name : names) {
    if (name.ends_with(".csv")) {
      const auto text = read_file(name);
      if (!text) return text.error();
      auto trace = sim::parse_trace(name, *text);
      if (!trace) return trace.error();
      traces.push_back(std::move(*trace));
      continue;
    }
    auto trace = sim::make_trace(name, {flags.seed, micros(flags.service_s)});
    if (!trace) return trace.error();
    traces.push_back(std::move(*trace));
  }
  return traces;
}

// `all`: every one that scales by itself.
std::vector<std::string> policies_of(const Flags& flags) {
  std::vector<std::string> policies;
  for (const std::string& name : flags.policies) {
    if (name != "all") {
      policies.push_back(name);
      continue;
    }
    for (const std::string_view each : autoscaler::policy_names())
      if (each != "none") policies.emplace_back(each);
  }
  return policies;
}

Result<void> write_reports(const Flags& flags, const sim::Comparison& comparison, const std::vector<sim::Row>& rows) {
  if (!flags.json.empty()) {
    const auto written = write_file_atomic(flags.json, sim::to_json(comparison, rows));
    if (!written) return written.error();
  }
  if (!flags.html.empty()) {
    const auto written = write_file_atomic(flags.html, sim::to_html(comparison, rows));
    if (!written) return written.error();
  }
  return {};
}

int run(const Flags& flags) {
  auto traces = read_traces(flags);
  if (!traces) return refuse(traces.error());
  if (!flags.arrivals.empty()) {
    if (traces->size() != 1)
      return refuse({Code::kInvalidInput, "--arrivals writes one trace: name it with --trace", "trace"});
    const auto written = write_file_atomic(flags.arrivals, sim::to_csv(traces->front()));
    return written ? 0 : refuse(written.error());
  }
  sim::Comparison comparison;
  comparison.policies = policies_of(flags);
  comparison.traces = std::move(*traces);
  comparison.wait = std::chrono::round<Millis>(micros(flags.wait_s));
  comparison.tuned = flags.tuned;
  comparison.options.start = micros(flags.start_s);
  comparison.options.service = micros(flags.service_s);
  comparison.options.tick = micros(flags.tick_s);
  comparison.options.lease = micros(flags.lease_s);
  comparison.options.cap = flags.cap;
  comparison.options.keep_timeline = !flags.html.empty();
  const auto rows = sim::compare(comparison);
  if (!rows) return refuse(rows.error());
  std::cout << sim::to_text(comparison, *rows) << std::flush;
  const auto written = write_reports(flags, comparison, *rows);
  return written ? 0 : refuse(written.error());
}

std::string trace_help() {
  std::string text = "all, or some of these; or the path of a CSV file of arrivals in seconds";
  for (const sim::TraceKind& kind : sim::trace_kinds())
    text += "\n  " + std::string(kind.name) + ": " + std::string(kind.help);
  return text;
}

std::string policy_help() {
  std::string text = "all, or some of:";
  for (const std::string_view name : autoscaler::policy_names()) text += " " + std::string(name);
  return text;
}

}  // namespace

Command add_sim(CLI::App& root) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* app = root.add_subcommand("sim", "compare scaling policies on a simulated clock");
  app->add_option("--policy", flags->policies, policy_help())->capture_default_str();
  app->add_option("--trace", flags->traces, trace_help())->capture_default_str();
  app->add_option("--start-s", flags->start_s, "from a worker's launch until it takes jobs")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 86'400.0));
  app->add_option("--service-s", flags->service_s, "what a job takes a worker")
      ->capture_default_str()
      ->check(CLI::Range(1e-4, 86'400.0));
  app->add_option("--cap", flags->cap, "workers at once")->capture_default_str()->check(CLI::Range(1U, 10'000U));
  app->add_option("--wait-s", flags->wait_s, "to be held: 95 of 100 jobs begin within it")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 86'400.0));
  app->add_option("--tick-s", flags->tick_s, "how often the policy is asked")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 3'600.0));
  app->add_option("--lease-s", flags->lease_s, "after so long a job comes back whose worker died")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 43'200.0));
  app->add_option("--seed", flags->seed, "what the traces are drawn from")->capture_default_str();
  app->add_flag("--tuned", flags->tuned, "each rival also with the best of a grid of its own constants, by trace");
  app->add_option("--json", flags->json, "write the rows to this file");
  app->add_option("--html", flags->html, "write a page with charts to this file");
  app->add_option("--arrivals", flags->arrivals, "only write the trace's arrivals to this CSV file");
  return {app, [flags] { return run(*flags); }};
}

}  // namespace facefleet::apps
