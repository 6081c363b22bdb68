// Jobs a second through the simulator: `sim_bench`.
#include <benchmark/benchmark.h>

#include "sim/simulation.h"

namespace facefleet::sim {
namespace {

// Jobs at so many a second for as long as it takes for a million of them, ten times what a worker can do in a tick.
void BM_Jobs(benchmark::State& state) {
  Trace trace;
  trace.name = "even";
  const auto rate = state.range(0);
  for (std::int64_t job = 0; job < 1'000'000; ++job) trace.arrivals.emplace_back(job * 1'000'000 / rate);
  Options options;
  options.service = Micros(10'000'000 / rate);  // ten workers' worth
  for (auto _ : state) {
    auto policy = autoscaler::make_policy("queue-length-15", {}).value();
    benchmark::DoNotOptimize(simulate(trace, *policy, options));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(trace.arrivals.size()));
}
BENCHMARK(BM_Jobs)->ArgName("jobs_per_s")->Arg(100)->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace facefleet::sim
