// Figures behind docs/decisions/0005-durable-state.md. The data lies in a folder beside the current one,
// so that its fsyncs meet the disk that is meant, and not a memory file system.
#include <benchmark/benchmark.h>

#include <sys/resource.h>

#include <boost/asio/co_spawn.hpp>
#include <cstdlib>

#include "base/database.h"
#include "base/testing.h"
#include "store/backends/durable_store.h"

namespace facefleet::store {
namespace {

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Bench {
  Bench() {
    if (!run_task(context, store->create_bucket("photos"))) std::abort();
  }

  template <class Make>
  void run_all(std::int64_t count, const Make& make) {
    std::int64_t running = count;
    for (std::int64_t i = 0; i < count; ++i)
      asio::co_spawn(context, make(i), [&running](std::exception_ptr) { --running; });
    context.restart();
    while (running > 0 && context.run_one() > 0) {
    }
  }

  TemporaryFolder folder{std::filesystem::current_path()};
  asio::io_context context;
  SystemClock clock;
  std::unique_ptr<Database> database = Database::open(context.get_executor(), folder.path(), Log::silent()).value();
  std::unique_ptr<ObjectStore> store =
      open_durable_store(context.get_executor(), *database, clock, Log::silent()).value();
};

std::string key_of(std::int64_t client, std::int64_t i) {
  return "01HXABCDEFGHJKMNPQRSTV" + std::to_string(client) + "-" + std::to_string(i) + "/photo.jpg";
}

Task<> put_some(ObjectStore& store, std::int64_t client, std::int64_t count, std::size_t size) {
  for (std::int64_t i = 0; i < count; ++i) {
    Bytes body(size, static_cast<char>(i));
    std::string bucket = "photos";
    std::string key = key_of(client, i);
    Put options;
    const auto put = co_await store.put(std::move(bucket), std::move(key), std::move(body), std::move(options));
    if (!put) std::abort();
  }
}

Task<> get_some(ObjectStore& store, std::int64_t client, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    std::string bucket = "photos";
    std::string key = key_of(client, i);
    const auto got = co_await store.get(std::move(bucket), std::move(key), std::nullopt);
    if (!got) std::abort();
  }
}

Task<> remove_some(ObjectStore& store, std::int64_t client, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    std::vector<std::string> keys;
    keys.push_back(key_of(client, i));
    std::string bucket = "photos";
    const auto removed = co_await store.remove(std::move(bucket), std::move(keys));
    if (!removed) std::abort();
  }
}

// One of put, get and remove is timed, with so many clients at once and bodies of so many bytes.
enum class Timed { kPut, kGet, kRemove };

void objects(benchmark::State& state, Timed timed) {
  constexpr std::int64_t kEach = 40;
  Bench bench;
  const std::int64_t clients = state.range(0);
  const auto size = static_cast<std::size_t>(state.range(1));
  double cpu = 0;
  const auto stage = [&](Timed which, const auto& make) {
    if (which != timed) state.PauseTiming();
    const double began = cpu_seconds();
    bench.run_all(clients, make);
    if (which == timed) cpu += cpu_seconds() - began;
    if (which != timed) state.ResumeTiming();
  };
  for (auto _ : state) {
    stage(Timed::kPut, [&](std::int64_t client) { return put_some(*bench.store, client, kEach, size); });
    stage(Timed::kGet, [&](std::int64_t client) { return get_some(*bench.store, client, kEach); });
    stage(Timed::kRemove, [&](std::int64_t client) { return remove_some(*bench.store, client, kEach); });
  }
  const std::int64_t items = state.iterations() * clients * kEach;
  state.SetItemsProcessed(items);
  state.counters["cpu_us_each"] = cpu * 1e6 / static_cast<double>(items);
}
void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"clients", "bytes"})->UseRealTime()->Unit(benchmark::kMillisecond);
  for (const std::int64_t bytes : {20'000, 100'000, 260'000, 1'000'000}) bench->Args({32, bytes});
  bench->Args({1, 20'000});
}
BENCHMARK_CAPTURE(objects, put, Timed::kPut)->Apply(sizes);
BENCHMARK_CAPTURE(objects, get, Timed::kGet)->Apply(sizes);
BENCHMARK_CAPTURE(objects, remove, Timed::kRemove)->Apply(sizes);

}  // namespace
}  // namespace facefleet::store
