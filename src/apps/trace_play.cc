#include "apps/trace_play.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <cstdio>

#include "apps/place.h"
#include "apps/policy_of.h"
#include "base/file.h"
#include "load/report.h"
#include "sim/simulation.h"

namespace facefleet::apps {
namespace {

namespace json = boost::json;

constexpr Millis kLookEvery{100};
constexpr Millis kRest{300'000};  // an idle fleet that stays longer than this is meant to stay
constexpr Millis kTimeout{10'000};

sim::Micros micros(double seconds) { return sim::Micros(std::llround(seconds * 1e6)); }

double number(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

// Takes in one status; returns how many workers there are.
std::uint32_t read_status(const json::object& status, FleetSeen& seen) {
  const json::object& fleet = status.at("fleet").as_object();
  seen.profile = std::string(status.at("profile").as_string());
  seen.cap = static_cast<std::uint32_t>(number(fleet, "cap"));
  if (const json::object* scaler = status.at("autoscaler").if_object()) {
    seen.policy = std::string(scaler->at("policy").as_string());
    seen.start_s = number(*scaler, "start_ms") / 1e3;
    seen.service_s = number(*scaler, "service_ms") / 1e3;
  }
  if (seen.service_s == 0) seen.service_s = number(status, "service_ms") / 1e3;
  return static_cast<std::uint32_t>(std::ranges::count_if(
      fleet.at("instances").as_array(), [](const json::value& instance) { return instance.at("state") != "stopped"; }));
}

Result<config::Profile> profile_of(const TraceFlags& flags, const FleetSeen& real) {
  auto loaded = load_profile_by_name(flags.profile.empty() ? real.profile : flags.profile);
  if (!loaded)
    return Error{
        Code::kInvalidInput,
        "the simulator needs the profile that the system runs; name it with --profile (" + loaded.error().message + ")",
        "profile"};
  if (auto set = config::set_keys(*loaded, flags.set); !set) return set.error();
  return loaded->profile;
}

std::string line(const char* form, auto... values) {
  char text[256];
  std::snprintf(text, sizeof text, form, values...);
  return text;
}

double percent_apart(double simulated, double real) { return real > 0 ? 100 * (simulated - real) / real : 0; }

}  // namespace

Result<sim::Trace> read_trace(const TraceFlags& flags, std::uint32_t requests_max) {
  Result<sim::Trace> trace = Error{};
  if (flags.trace.ends_with(".csv")) {
    const auto text = read_file(flags.trace);
    if (!text) return text.error();
    trace = sim::parse_trace(flags.trace, *text);
  } else {
    trace = sim::make_trace(flags.trace, {.seed = flags.seed});
  }
  if (!trace) return trace;
  if (!sim::is_faultless(*trace))
    return Error{Code::kInvalidInput,
                 "the trace " + flags.trace + " needs faults, which a client cannot play; `facefleet sim` can",
                 "trace"};
  trace->services.clear();  // a photo takes what it takes
  if (requests_max > 0 && trace->arrivals.size() > requests_max) trace->arrivals.resize(requests_max);
  if (trace->arrivals.empty()) return Error{Code::kInvalidInput, "the trace has no arrivals", "trace"};
  for (sim::Micros& arrival : trace->arrivals)
    arrival = sim::Micros(static_cast<std::int64_t>(static_cast<double>(arrival.count()) * flags.time_scale));
  return trace;
}

FleetWatch::FleetWatch(const Executor& executor, const net::Url& url, const Clock& clock) : clock_(clock) {
  client_ = net::HttpClient::open(executor, net::options_for(url));
}

Task<Result<std::uint32_t>> FleetWatch::look() {
  net::HttpRequest request;
  request.target = "/v1/status";
  auto response = co_await client_->send(std::move(request), kTimeout);
  if (!response) co_return response.error();
  if (response->status != 200)
    co_return Error{Code::kDenied, "GET /v1/status answered " + std::to_string(response->status), "status"};
  try {
    co_return read_status(json::parse(response->body).as_object(), seen_);
  } catch (const std::exception& error) {
    co_return Error{Code::kInvalidInput, std::string("GET /v1/status gave nothing that can be read: ") + error.what(),
                    "status"};
  }
}

Task<Result<void>> FleetWatch::begin() {
  auto workers = co_await look();
  if (!workers)
    co_return Error{workers.error().code,
                    "a trace can be played at a system that shows its fleet only: " + workers.error().message,
                    workers.error().reason};
  seen_.peak = *workers;
  co_return Result<void>();
}

Task<> FleetWatch::run() {
  MonoTime looked_at = clock_.now();
  for (;;) {
    co_await sleep_for(kLookEvery);
    auto workers = co_await look();
    if (!workers) continue;  // the next look stands for this one
    const MonoTime now = clock_.now();
    seen_.worker_seconds += *workers * std::chrono::duration<double>(now - looked_at).count();
    seen_.peak = std::max(seen_.peak, *workers);
    looked_at = now;
    const bool over = over_at_ != MonoTime::max();
    if (over && (*workers == 0 || now - over_at_ > kRest)) co_return;
  }
}

Result<Played> compare_with_simulation(const TraceFlags& flags, sim::Trace trace, FleetSeen real,
                                       const load::Outcome& outcome) {
  const auto profile = profile_of(flags, real);
  if (!profile) return profile.error();
  if (real.policy.empty()) real.policy = profile->autoscaler_policy;
  auto policy = policy_of(*profile, real.policy);
  if (!policy) return policy.error();
  sim::Options options;
  options.start = micros(std::max(real.start_s, profile->fleet_start_delay_s));
  options.service = micros(std::max(real.service_s, 1e-4));
  options.tick = micros(profile->autoscaler_tick_s);
  options.lease = micros(profile->worker_lease_s);
  options.cap = real.cap;
  options.receives_max = static_cast<std::uint32_t>(profile->worker_receives_max);
  const sim::Outcome simulated = sim::simulate(trace, **policy, options);
  Played played;
  played.trace = std::move(trace);
  played.real = std::move(real);
  played.real_p95_s = load::percentile(outcome.latencies_ms, 95) / 1e3;
  played.simulated_worker_seconds = simulated.worker_seconds;
  played.simulated_p95_s = simulated.wait_p95_s + played.real.service_s;
  played.simulated_peak = simulated.peak;
  return played;
}

std::string to_text(const Played& played) {
  const FleetSeen& real = played.real;
  std::string text = line("trace       %s: %zu arrivals in %.1f s; policy %s, cap %u, start %.3f s, service %.1f ms\n",
                          played.trace.name.c_str(), played.trace.arrivals.size(),
                          static_cast<double>(played.trace.arrivals.back().count()) / 1e6, real.policy.c_str(),
                          real.cap, real.start_s, real.service_s * 1e3);
  text += line("real        %.1f worker-seconds, p95 %.3f s, at most %u workers\n", real.worker_seconds,
               played.real_p95_s, real.peak);
  text += line("simulated   %.1f worker-seconds (%+.1f %%), p95 %.3f s (%+.3f s), at most %u workers\n",
               played.simulated_worker_seconds, percent_apart(played.simulated_worker_seconds, real.worker_seconds),
               played.simulated_p95_s, played.simulated_p95_s - played.real_p95_s, played.simulated_peak);
  return text;
}

std::string to_json(const Played& played) {
  const FleetSeen& real = played.real;
  const json::object report{
      {"trace", played.trace.name},
      {"arrivals", played.trace.arrivals.size()},
      {"policy", real.policy},
      {"cap", real.cap},
      {"start_s", real.start_s},
      {"service_s", real.service_s},
      {"worker_seconds", real.worker_seconds},
      {"p95_s", played.real_p95_s},
      {"peak", real.peak},
      {"simulated_worker_seconds", played.simulated_worker_seconds},
      {"simulated_p95_s", played.simulated_p95_s},
      {"simulated_peak", played.simulated_peak},
      {"worker_seconds_apart_percent", percent_apart(played.simulated_worker_seconds, real.worker_seconds)},
      {"p95_apart_s", played.simulated_p95_s - played.real_p95_s},
  };
  return json::serialize(report);
}

}  // namespace facefleet::apps
