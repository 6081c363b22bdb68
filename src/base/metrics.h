// Counters, gauges and histograms in the form that Prometheus scrapes.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace facefleet {

// The three kinds are handles: cheap to copy, thread-safe, good for as long as their Metrics lives. Look one up
// once and keep it; the look-up takes a lock and the use does not.

// Only ever grows; its name ends in `_total`.
class Counter {
 public:
  void add(double amount = 1) const;

 private:
  friend class Metrics;
  explicit Counter(prometheus::Counter& series) : series_(&series) {}
  prometheus::Counter* series_;
};

class Gauge {
 public:
  void set(double value) const;
  void add(double amount) const;  // negative to take away

 private:
  friend class Metrics;
  explicit Gauge(prometheus::Gauge& series) : series_(&series) {}
  prometheus::Gauge* series_;
};

class Histogram {
 public:
  void observe(double value) const;

 private:
  friend class Metrics;
  explicit Histogram(prometheus::Histogram& series) : series_(&series) {}
  prometheus::Histogram* series_;
};

// Made by main and handed down. Thread-safe. A name or label that Prometheus does not allow, or one name for two
// kinds, is a bug of ours and throws std::exception. Never label by anything that callers choose freely (file names,
// job ids, persons): each set of labels stays in memory.
class Metrics {
 public:
  using Labels = std::map<std::string, std::string>;

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // The series of that name and those labels, made when first asked for.
  Counter counter(const std::string& name, const std::string& help, const Labels& labels = {});
  Gauge gauge(const std::string& name, const std::string& help, const Labels& labels = {});
  // `bounds`: the buckets' upper bounds, rising; the one without a bound is implied. The first call decides them.
  Histogram histogram(const std::string& name, const std::string& help, const std::vector<double>& bounds,
                      const Labels& labels = {});

  // All series in Prometheus' text format, version 0.0.4.
  std::string expose() const;

 private:
  struct Registry;
  std::unique_ptr<Registry> registry_;
};

}  // namespace facefleet
