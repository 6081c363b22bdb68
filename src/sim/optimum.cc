#include "sim/optimum.h"

#include <boost/json.hpp>
#include <cmath>

#include "sim/assets.h"

namespace facefleet::sim {
namespace {

bool is(const boost::json::object& row, std::string_view key, double value) {
  return std::abs(row.at(key).to_number<double>() - value) < 1e-9;
}

double seconds_of(Micros time) { return static_cast<double>(time.count()) / 1e6; }

}  // namespace

std::string_view optimum_json() { return find_asset("optimum.json")->bytes; }

std::optional<double> optimum_of(const Trace& trace, const Options& options, Millis wait) {
  const boost::json::value golden = boost::json::parse(optimum_json());
  const boost::json::object& file = golden.as_object();
  if (!is(file, "cap", options.cap) || !is(file, "seed", static_cast<double>(trace.seed)) ||
      !is(file, "service_s", seconds_of(options.service))) {
    return std::nullopt;
  }
  for (const boost::json::value& each : file.at("optima").as_array()) {
    const boost::json::object& row = each.as_object();
    if (row.at("trace").as_string() != trace.name || !is(row, "start_s", seconds_of(options.start))) continue;
    if (!is(row, "wait_s", static_cast<double>(wait.count()) / 1e3)) continue;
    // "jobs" keeps a file of one's own that happens to bear the name of a trace from being compared with it.
    if (!is(row, "jobs", static_cast<double>(trace.arrivals.size()))) continue;
    return row.at("worker_seconds").to_number<double>();
  }
  return std::nullopt;
}

}  // namespace facefleet::sim
