// Exact search of a million templates on one core: `gallery_bench --benchmark_filter=...`.
#include <benchmark/benchmark.h>

#include <memory>

#include "base/ids.h"
#include "gallery/search.h"
#include "gallery/testing.h"

namespace facefleet::gallery {
namespace {

constexpr std::size_t kDimensions = 128;

// One template a person; made once, because it takes seconds.
const Segment& million() {
  static const std::shared_ptr<const Segment> segment = [] {
    SeededRandom random(1);
    return make_segment(random_units(random, 1'000'000, kDimensions), 1);
  }();
  return *segment;
}

// Arguments: queries in one pass, instruction set.
void BM_Search(benchmark::State& state) {
  const auto isa = static_cast<Isa>(state.range(1));
  if (!supports(isa)) return state.SkipWithError("this processor cannot");
  const auto count = static_cast<std::size_t>(state.range(0));
  SeededRandom random(2);
  std::vector<std::vector<Query>> passes(8);  // so that no query's own data stays hot by chance
  for (std::vector<Query>& queries : passes)
    for (std::size_t q = 0; q < count; ++q) queries.emplace_back(random_unit(random, kDimensions));
  std::size_t pass = 0;
  for (auto _ : state) {
    std::vector<BestPersons> best(count, BestPersons(5));
    search_rows(isa, million().rows(), passes[pass++ % passes.size()], best);
    benchmark::DoNotOptimize(best.front().matches());
  }
  state.SetLabel(std::string(to_string(isa)));
  state.counters["per_query"] = benchmark::Counter(
      static_cast<double>(count), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_Search)->ArgNames({"queries", "isa"})->ArgsProduct({{1, 8}, {0, 1, 2}})->Unit(benchmark::kMillisecond);

// What no search can beat: reading the codes once.
void BM_ReadCodes(benchmark::State& state) {
  const Rows& rows = million().rows();
  for (auto _ : state) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < codes_bytes(rows.count, rows.dimensions); i += 64) sum += rows.codes[i];
    benchmark::DoNotOptimize(sum);
  }
}
BENCHMARK(BM_ReadCodes)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace facefleet::gallery
