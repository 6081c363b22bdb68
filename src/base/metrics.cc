#include "base/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace facefleet {

struct Metrics::Registry {
  prometheus::Registry registry;
};

void Counter::add(double amount) const { series_->Increment(amount); }

void Gauge::set(double value) const { series_->Set(value); }

void Gauge::add(double amount) const { series_->Increment(amount); }

void Histogram::observe(double value) const { series_->Observe(value); }

Metrics::Metrics() : registry_(std::make_unique<Registry>()) {}
Metrics::~Metrics() = default;

Counter Metrics::counter(const std::string& name, const std::string& help, const Labels& labels) {
  return Counter(prometheus::BuildCounter().Name(name).Help(help).Register(registry_->registry).Add(labels));
}

Gauge Metrics::gauge(const std::string& name, const std::string& help, const Labels& labels) {
  return Gauge(prometheus::BuildGauge().Name(name).Help(help).Register(registry_->registry).Add(labels));
}

Histogram Metrics::histogram(const std::string& name, const std::string& help, const std::vector<double>& bounds,
                             const Labels& labels) {
  auto& family = prometheus::BuildHistogram().Name(name).Help(help).Register(registry_->registry);
  return Histogram(family.Add(labels, bounds));
}

std::string Metrics::expose() const { return prometheus::TextSerializer().Serialize(registry_->registry.Collect()); }

}  // namespace facefleet
