#include "sim/report.h"

#include <algorithm>
#include <cstdio>

#include "jobs/json_writer.h"

namespace facefleet::sim {
namespace {

template <class... Values>
std::string format(const char* form, Values... values) {
  char line[256];
  std::snprintf(line, sizeof line, form, values...);
  return line;
}

double seconds_of(Micros time) { return static_cast<double>(time.count()) / 1e6; }
double seconds_of(Millis time) { return static_cast<double>(time.count()) / 1e3; }

std::string tuning_text(const Row& row) {
  std::string text;
  for (const auto& [name, value] : row.tuning) text += (text.empty() ? "  " : ", ") + name + format(" %g", value);
  return text;
}

std::string line_of(const Row& row) {
  const Outcome& outcome = row.outcome;
  const std::string name = row.policy + (row.tuned ? " (tuned)" : "");
  const std::string ratio = row.optimum ? format("%7.2f", outcome.worker_seconds / *row.optimum) : "      -";
  return format("  %c %-32s %12.1f %s %10.2f %10.2f %5u %9llu %5llu %5llu", row.held ? '*' : ' ', name.c_str(),
                outcome.worker_seconds, ratio.c_str(), outcome.wait_p95_s, outcome.wait_max_s, outcome.peak,
                static_cast<unsigned long long>(outcome.launches), static_cast<unsigned long long>(outcome.lost),
                static_cast<unsigned long long>(outcome.dead)) +
         tuning_text(row) + "\n";
}

void write_row(jobs::JsonWriter& json, const Comparison& comparison, const Row& row, std::uint64_t seed) {
  const Outcome& outcome = row.outcome;
  json.begin_object().key("policy").text(row.policy).key("trace").text(row.trace);
  json.key("tuned").boolean(row.tuned).key("tuning").begin_object();
  for (const auto& [name, value] : row.tuning) json.key(name).number(value);
  json.end_object();
  json.key("start_s").number(seconds_of(comparison.options.start));
  json.key("service_s").number(seconds_of(comparison.options.service));
  json.key("cap").number(comparison.options.cap);
  json.key("wait_s").number(seconds_of(comparison.wait));
  json.key("seed").number(seed).key("jobs").number(outcome.jobs);
  json.key("worker_seconds").number(outcome.worker_seconds);
  json.key("wait_p50_s").number(outcome.wait_p50_s).key("wait_p95_s").number(outcome.wait_p95_s);
  json.key("wait_max_s").number(outcome.wait_max_s).key("held").boolean(row.held);
  json.key("lost").number(outcome.lost).key("dead").number(outcome.dead);
  json.key("peak").number(outcome.peak).key("launches").number(outcome.launches);
  json.key("changes").number(outcome.changes).key("optimum");
  if (row.optimum) {
    json.number(*row.optimum).key("optimum_ratio").rounded(outcome.worker_seconds / *row.optimum, 4);
  } else {
    json.null().key("optimum_ratio").null();
  }
  json.end_object();
}

}  // namespace

std::string describe(const Trace& trace) {
  for (const TraceKind& kind : trace_kinds())
    if (kind.name == trace.name) return std::string(kind.help);
  return "arrivals of a file";
}

std::vector<const Row*> by_cost(std::span<const Row> rows, std::string_view trace) {
  std::vector<const Row*> found;
  for (const Row& row : rows)
    if (row.trace == trace) found.push_back(&row);
  std::ranges::stable_sort(found, [](const Row* a, const Row* b) {
    if (a->held != b->held) return a->held;
    return a->outcome.worker_seconds < b->outcome.worker_seconds;
  });
  return found;
}

std::string to_text(const Comparison& comparison, std::span<const Row> rows) {
  const Options& options = comparison.options;
  std::string text =
      format("start %g s, service %g s, cap %u, tick %g s; * holds a wait of %g s (95 of 100 jobs), none lost\n",
             seconds_of(options.start), seconds_of(options.service), options.cap, seconds_of(options.tick),
             seconds_of(comparison.wait));
  for (const Trace& trace : comparison.traces) {
    text += format("\n%s: %s; %zu jobs\n", trace.name.c_str(), describe(trace).c_str(), trace.arrivals.size());
    text += format("    %-32s %12s %7s %10s %10s %5s %9s %5s %5s\n", "policy", "worker-s", "x opt", "p95 wait s",
                   "max wait s", "peak", "launches", "lost", "dead");
    for (const Row* row : by_cost(rows, trace.name)) text += line_of(*row);
  }
  return text;
}

std::string to_json(const Comparison& comparison, std::span<const Row> rows) {
  jobs::JsonWriter json;
  json.begin_array();
  for (const Row& row : rows) {
    const auto trace = std::ranges::find(comparison.traces, row.trace, &Trace::name);
    write_row(json, comparison, row, trace == comparison.traces.end() ? 0 : trace->seed);
  }
  json.end_array();
  return json.take() + "\n";
}

}  // namespace facefleet::sim
