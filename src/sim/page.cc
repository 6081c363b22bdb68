// The report as a page: page.html with style, script, charts and figures put in, so that the file needs no other.
#include <algorithm>

#include "jobs/json_writer.h"
#include "sim/assets.h"
#include "sim/report.h"

namespace facefleet::sim {
namespace {

constexpr std::size_t kBuckets = 300;   // what a chart can show
constexpr Micros kTailMin{60'000'000};  // shown after the last arrival, or
constexpr std::int64_t kTailShare = 6;  // a sixth of the trace

// The page shows time in so many steps of equal length.
struct Scale {
  explicit Scale(const Trace& trace) {
    const Micros last = trace.arrivals.back();
    step = (last + std::max(kTailMin, last / kTailShare)) / kBuckets + Micros(1);
  }
  std::size_t bucket(Micros at) const { return static_cast<std::size_t>(at / step); }
  double seconds() const { return static_cast<double>(step.count()) / 1e6; }
  Micros step{1};
};

void write_numbers(jobs::JsonWriter& json, std::string_view key, const std::vector<double>& values) {
  json.key(key).begin_array();
  for (const double value : values) json.rounded(value, 2);
  json.end_array();
}

std::vector<double> arrivals_a_second(const Trace& trace, const Scale& scale) {
  std::vector<double> rates(kBuckets);
  for (const Micros at : trace.arrivals) rates[scale.bucket(at)] += 1 / scale.seconds();
  return rates;
}

void write_timeline(jobs::JsonWriter& json, const std::vector<Moment>& timeline, const Scale& scale) {
  std::vector<double> queued(kBuckets), workers(kBuckets);
  for (const Moment& moment : timeline) {
    const std::size_t bucket = scale.bucket(moment.at);
    if (bucket >= kBuckets) break;
    queued[bucket] = std::max(queued[bucket], static_cast<double>(moment.queued));
    workers[bucket] = std::max(workers[bucket], static_cast<double>(moment.starting + moment.running));
  }
  write_numbers(json, "queued", queued);
  write_numbers(json, "workers", workers);
}

void write_row(jobs::JsonWriter& json, const Row& row, const Scale& scale) {
  json.begin_object().key("policy").text(row.policy + (row.tuned ? " (tuned)" : "")).key("ours");
  json.boolean(row.policy == kOurs).key("held").boolean(row.held);
  json.key("worker_seconds").rounded(row.outcome.worker_seconds, 1);
  json.key("p95").rounded(row.outcome.wait_p95_s, 2).key("max").rounded(row.outcome.wait_max_s, 2);
  json.key("peak").number(row.outcome.peak).key("launches").number(row.outcome.launches);
  json.key("lost").number(row.outcome.lost).key("ratio");
  if (row.optimum) {
    json.rounded(row.outcome.worker_seconds / *row.optimum, 2);
  } else {
    json.null();
  }
  write_timeline(json, row.outcome.timeline, scale);
  json.end_object();
}

std::string figures(const Comparison& comparison, std::span<const Row> rows) {
  jobs::JsonWriter json;
  json.begin_object().key("start_s").number(static_cast<double>(comparison.options.start.count()) / 1e6);
  json.key("service_s").number(static_cast<double>(comparison.options.service.count()) / 1e6);
  json.key("cap").number(comparison.options.cap);
  json.key("wait_s").number(static_cast<double>(comparison.wait.count()) / 1e3).key("traces").begin_array();
  for (const Trace& trace : comparison.traces) {
    const Scale scale(trace);
    json.begin_object().key("name").text(trace.name).key("help").text(describe(trace));
    json.key("jobs").number(trace.arrivals.size()).key("step_s").number(scale.seconds());
    write_numbers(json, "arrivals", arrivals_a_second(trace, scale));
    json.key("rows").begin_array();
    for (const Row* row : by_cost(rows, trace.name)) write_row(json, *row, scale);
    json.end_array().end_object();
  }
  json.end_array().end_object();
  return json.take();
}

// `</script>` inside a name would end the script that holds the figures.
std::string safe_in_script(std::string text) {
  for (std::size_t at = 0; (at = text.find("</", at)) != std::string::npos;) text.replace(at, 2, "<\\/");
  return text;
}

}  // namespace

std::string to_html(const Comparison& comparison, std::span<const Row> rows) {
  std::string page(find_asset("page.html")->bytes);
  const auto put = [&page](std::string_view place, std::string_view text) {
    page.replace(page.find(place), place.size(), text);
  };
  put("{{uplot.css}}", find_asset("uPlot.min.css")->bytes);
  put("{{page.css}}", find_asset("page.css")->bytes);
  put("{{uplot.js}}", find_asset("uPlot.iife.min.js")->bytes);
  put("{{page.js}}", find_asset("page.js")->bytes);
  put("{{figures}}", safe_in_script(figures(comparison, rows)));
  return page;
}

}  // namespace facefleet::sim
