#include "sim/trace.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <numeric>

#include "base/csv.h"
#include "base/ids.h"

namespace facefleet::sim {
namespace {

constexpr double kSecondUs = 1e6;
constexpr Micros kQuietFirst{10'000'000};  // bursts from nothing come after so long, and a part of kPhase
constexpr double kPhaseS = 30;  // policies look at intervals of up to so long: the burst comes at any moment of it
constexpr std::int64_t kArrivalMax_s = 100'000'000;  // of a CSV file: three years

Micros seconds(double value) { return Micros(std::llround(value * kSecondUs)); }

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  double uniform() { return static_cast<double>(random_.next() >> 11) * 0x1p-53; }  // in [0, 1)
  double exponential(double mean) { return -mean * std::log1p(-uniform()); }
  std::uint64_t bits() { return random_.next(); }

 private:
  SeededRandom random_;
};

// Poisson arrivals from 0 until `length_s` at rate(t) jobs a second, which nowhere exceeds `rate_max`: those of a
// constant rate are thinned out. Time adds up in whole nanoseconds, so that the last digit of a logarithm, which
// differs from one machine to another, is rounded away before it can add up.
void add_poisson(Trace& trace, Dice& dice, double length_s, double rate_max,
                 const std::function<double(double)>& rate) {
  const auto end_ns = static_cast<std::int64_t>(length_s * 1e9);
  for (std::int64_t at_ns = 0;;) {
    at_ns += std::llround(1e9 * dice.exponential(1 / rate_max));
    if (at_ns >= end_ns) return;
    const double keep = dice.uniform() * rate_max;
    if (keep < rate(static_cast<double>(at_ns) * 1e-9)) trace.arrivals.emplace_back(at_ns / 1'000);
  }
}

void add_steady(Trace& trace, Dice& dice, double length_s, double rate) {
  add_poisson(trace, dice, length_s, rate, [rate](double) { return rate; });
}

void add_burst(Trace& trace, Dice& dice, std::size_t count) {
  trace.arrivals.assign(count, kQuietFirst + seconds(kPhaseS * dice.uniform()));
}

void burst_100(Trace& trace, const Draw& draw) {
  Dice dice(draw.seed);
  add_burst(trace, dice, 100);
}

void burst_10(Trace& trace, const Draw& draw) {
  Dice dice(draw.seed);
  add_burst(trace, dice, 10);
}

void step(Trace& trace, const Draw& draw) {
  Dice dice(draw.seed);
  add_poisson(trace, dice, 2'100, 75, [](double t) { return t < 300 || t >= 1'800 ? 10 : 75; });
}

void ramp(Trace& trace, const Draw& draw) {
  Dice dice(draw.seed);
  add_poisson(trace, dice, 1'200, 100, [](double t) { return t < 600 ? t / 6 : (1'200 - t) / 6; });
}

// Two humps over a low night, as people's days are: one before noon, a higher one in the evening.
void daily(Trace& trace, const Draw& draw) {
  Dice dice(draw.seed);
  const auto hump = [](double hour, double at, double width) {
    return std::exp(-(hour - at) * (hour - at) / (2 * width * width));
  };
  add_poisson(trace, dice, 3'600, 70, [&hump](double t) {
    const double hour = t / 150;
    return std::min(70.0, 3 + 45 * hump(hour, 10.5, 2.2) + 62 * hump(hour, 19.5, 2.4));
  });
}

void flash(Trace& trace, const Draw& draw) {
  Dice dice(draw.seed);
  add_poisson(trace, dice, 900, 105, [](double t) { return 5 + (t < 300 ? 0 : 100 * std::exp((300 - t) / 90)); });
}

void on_off(Trace& trace, const Draw& draw) {
  Dice dice(draw.seed);
  add_poisson(trace, dice, 1'200, 55, [](double t) { return std::fmod(t, 120) < 60 ? 0 : 55; });
}

void poisson(Trace& trace, const Draw& draw) {
  Dice dice(draw.seed);
  add_steady(trace, dice, 900, 35);
}

// Pareto's law with exponent 1.5: its variance is infinite, and one job in a thousand takes 33 times the mean.
void heavy_tailed(Trace& trace, const Draw& draw) {
  Dice dice(draw.seed);
  add_steady(trace, dice, 900, 20);
  constexpr double kExponent = 1.5, kLongest = 200;
  const double shortest_us = static_cast<double>(draw.service.count()) * (kExponent - 1) / kExponent;
  for (std::size_t job = 0; job < trace.arrivals.size(); ++job) {
    const double times = std::min(kLongest, std::pow(1 - dice.uniform(), -1 / kExponent));
    trace.services.emplace_back(std::llround(shortest_us * times));
  }
}

void poison(Trace& trace, const Draw& draw) {
  Dice dice(draw.seed);
  add_steady(trace, dice, 600, 10);
  for (std::uint32_t job = 0; job < trace.arrivals.size(); ++job)
    if (dice.uniform() < 0.01) trace.poison.push_back(job);
}

void crashes(Trace& trace, const Draw& draw) {
  Dice dice(draw.seed);
  add_steady(trace, dice, 600, 40);
  for (double at = dice.exponential(10); at < 600; at += dice.exponential(10))
    trace.faults.push_back({seconds(at), Fault::Kind::kCrash, 0, dice.bits()});
}

void slow_workers(Trace& trace, const Draw& draw) {
  Dice dice(draw.seed);
  add_steady(trace, dice, 600, 40);
  trace.slow_share = 0.2;
  trace.slow_factor = 10;
}

void spot(Trace& trace, const Draw& draw) {
  Dice dice(draw.seed);
  add_steady(trace, dice, 900, 40);
  for (const double at : {200.0, 400.0, 600.0})
    trace.faults.push_back({seconds(at + 100 * dice.uniform()), Fault::Kind::kNotice, 0.3, dice.bits()});
}

void stale_metric(Trace& trace, const Draw& draw) {
  Dice dice(draw.seed);
  add_poisson(trace, dice, 600, 45, [](double t) { return t < 320 ? 25 : 45; });
  trace.faults.push_back({seconds(300), Fault::Kind::kMetricLost, 0, 0});
  trace.faults.push_back({seconds(360), Fault::Kind::kMetricBack, 0, 0});
}

constexpr std::array kKinds{
    TraceKind{"burst-100", "100 jobs at one moment, from nothing", &burst_100},
    TraceKind{"burst-10", "10 jobs at one moment, from nothing", &burst_10},
    TraceKind{"step", "10 jobs/s for 5 minutes, 75/s for 25, 10/s for 5", &step},
    TraceKind{"ramp", "from 0 to 100 jobs/s in 10 minutes, and back", &ramp},
    TraceKind{"daily", "a day in an hour: night, morning, evening; 3 to 65 jobs/s", &daily},
    TraceKind{"flash", "5 jobs/s; after 5 minutes 105/s at once, which wears off in minutes", &flash},
    TraceKind{"on-off", "a minute of nothing, a minute of 55 jobs/s, ten times", &on_off},
    TraceKind{"poisson", "35 jobs/s for 15 minutes", &poisson},
    TraceKind{"heavy-tailed", "20 jobs/s for 15 minutes, of which a few take a hundred times longer", &heavy_tailed},
    TraceKind{"poison", "10 jobs/s for 10 minutes; one in a hundred is never completed", &poison},
    TraceKind{"crashes", "40 jobs/s for 10 minutes; a worker dies every 10 s", &crashes},
    TraceKind{"slow-workers", "40 jobs/s for 10 minutes; one worker in five is ten times slower", &slow_workers},
    TraceKind{"spot", "40 jobs/s for 15 minutes; three times, 30 % of the workers are told to go", &spot},
    TraceKind{"stale-metric", "25 jobs/s, then 45/s while the queue cannot be read for a minute", &stale_metric},
};

// A number of seconds from 0 to kArrivalMax_s, all of `text`.
bool parse_seconds(std::string_view text, Micros& out) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return false;
  if (!(value >= 0) || value > static_cast<double>(kArrivalMax_s)) return false;
  out = seconds(value);
  return true;
}

void sort_by_arrival(Trace& trace) {
  std::vector<std::size_t> order(trace.arrivals.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, {}, [&](std::size_t job) { return trace.arrivals[job]; });
  const Trace read = trace;
  for (std::size_t job = 0; job < order.size(); ++job) {
    trace.arrivals[job] = read.arrivals[order[job]];
    if (!read.services.empty()) trace.services[job] = read.services[order[job]];
  }
}

void add_number(std::string& text, Micros value) {
  char digits[40];
  std::snprintf(digits, sizeof digits, "%.6f", static_cast<double>(value.count()) / kSecondUs);
  text += digits;
}

}  // namespace

std::span<const TraceKind> trace_kinds() { return kKinds; }

Result<Trace> make_trace(std::string_view name, const Draw& draw) {
  std::string known;
  for (const TraceKind& kind : kKinds) {
    if (kind.name == name) {
      Trace trace;
      trace.name = name;
      trace.seed = draw.seed;
      kind.fill(trace, draw);
      return trace;
    }
    known += (known.empty() ? "" : ", ") + std::string(kind.name);
  }
  return Error{Code::kInvalidInput,
               "there is no trace \"" + std::string(name) + "\"; there is: " + known + ", or the path of a .csv file",
               "trace"};
}

Result<Trace> parse_trace(std::string_view name, std::string_view csv) {
  const auto records = parse_csv(csv);
  if (!records) return records.error();
  Trace trace;
  trace.name = name;
  for (std::size_t line = 0; line < records->size(); ++line) {
    const std::vector<std::string>& record = (*records)[line];
    Micros arrival{0}, service{0};
    const bool readable = record.size() <= 2 && parse_seconds(record[0], arrival) &&
                          (record.size() < 2 || parse_seconds(record[1], service));
    if (!readable && line == 0) continue;
    if (!readable || (record.size() == 2 && service <= Micros(0))) {
      return Error{Code::kInvalidInput,
                   std::string(name) + ", line " + std::to_string(line + 1) +
                       ": expected the arrival in seconds, or the arrival and the service time in seconds",
                   "trace"};
    }
    trace.arrivals.push_back(arrival);
    if (record.size() == 2) trace.services.push_back(service);
  }
  if (trace.arrivals.empty()) return Error{Code::kInvalidInput, std::string(name) + " holds no arrival", "trace"};
  if (!trace.services.empty() && trace.services.size() != trace.arrivals.size()) {
    return Error{Code::kInvalidInput, std::string(name) + ": either every line has a service time, or none has one",
                 "trace"};
  }
  sort_by_arrival(trace);
  return trace;
}

std::string to_csv(const Trace& trace) {
  std::string text = trace.services.empty() ? "arrival_s\n" : "arrival_s,service_s\n";
  for (std::size_t job = 0; job < trace.arrivals.size(); ++job) {
    add_number(text, trace.arrivals[job]);
    if (!trace.services.empty()) add_number(text += ',', trace.services[job]);
    text += '\n';
  }
  return text;
}

bool is_faultless(const Trace& trace) {
  const bool spared = std::ranges::all_of(trace.faults, [](const Fault& fault) {
    return fault.kind == Fault::Kind::kMetricLost || fault.kind == Fault::Kind::kMetricBack;
  });
  return spared && trace.poison.empty() && trace.slow_share == 0;
}

}  // namespace facefleet::sim
