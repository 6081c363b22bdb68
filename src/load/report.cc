#include "load/report.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <cstdio>

namespace facefleet::load {
namespace {

std::size_t answered(const Outcome& outcome) { return outcome.latencies_ms.size(); }

double answers_per_s(const Outcome& outcome) {
  return outcome.last_answer_s > 0 ? static_cast<double>(answered(outcome)) / outcome.last_answer_s : 0;
}

template <class... Values>
std::string format(const char* form, Values... values) {
  char line[256];
  std::snprintf(line, sizeof line, form, values...);
  return line;
}

}  // namespace

double percentile(std::vector<double> values, double p) {
  if (values.empty()) return 0;
  const double rank = std::ceil(p / 100 * static_cast<double>(values.size()));
  const auto index = static_cast<std::size_t>(std::clamp(rank, 1.0, static_cast<double>(values.size()))) - 1;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(index), values.end());
  return values[index];
}

std::string to_text(const Outcome& outcome, double cpu_s) {
  std::string text =
      format("requests    %u, answered %zu: right %u, wrong %u, unchecked %u; failed %u\n", outcome.requests,
             answered(outcome), outcome.right, outcome.wrong, outcome.unchecked, outcome.failed);
  text += format("throughput  %.1f answers/s over %.3f s\n", answers_per_s(outcome), outcome.last_answer_s);
  text += format("latency     p50 %.1f ms, p95 %.1f ms, p99 %.1f ms\n", percentile(outcome.latencies_ms, 50),
                 percentile(outcome.latencies_ms, 95), percentile(outcome.latencies_ms, 99));
  text += format("phases      upload: first sent 0.000 s, last sent %.3f s; answers: first %.3f s, last %.3f s\n",
                 outcome.last_sent_s, outcome.first_answer_s, outcome.last_answer_s);
  text += format("generator   %.3f s of CPU\n", cpu_s);
  return text;
}

std::string to_json(const Outcome& outcome, double cpu_s) {
  const boost::json::object report{
      {"requests", outcome.requests},
      {"answered", answered(outcome)},
      {"right", outcome.right},
      {"wrong", outcome.wrong},
      {"failed", outcome.failed},
      {"unchecked", outcome.unchecked},
      {"seconds", outcome.last_answer_s},
      {"requests_per_s", answers_per_s(outcome)},
      {"p50_ms", percentile(outcome.latencies_ms, 50)},
      {"p95_ms", percentile(outcome.latencies_ms, 95)},
      {"p99_ms", percentile(outcome.latencies_ms, 99)},
      {"upload_s", outcome.last_sent_s},
      {"first_answer_s", outcome.first_answer_s},
      {"last_answer_s", outcome.last_answer_s},
      {"cpu_s", cpu_s},
  };
  return boost::json::serialize(report) + "\n";
}

}  // namespace facefleet::load
