// Figures behind docs/decisions/0005-durable-state.md. The database lies in the current folder's
// `bench-data-XXXXXX`, so that its fsyncs meet the disk that is meant, and not a memory file system.
#include <benchmark/benchmark.h>

#include <sys/resource.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cstdlib>

#include "base/database.h"
#include "base/testing.h"
#include "queue/backends/durable_queue.h"
#include "queue/backends/memory_queue.h"

namespace facefleet::queue {
namespace {

const Bytes kBody(300, 'x');  // about what a job is

class Bench {
 public:
  explicit Bench(bool durable) {
    if (durable) {
      database_ = Database::open(context_.get_executor(), folder_.path(), Log::silent()).value();
      queues_ = open_durable_queues(context_.get_executor(), *database_, clock_, random_, Log::silent()).value();
    } else {
      queues_ = open_memory_queues(context_.get_executor(), clock_, random_, Log::silent());
    }
    queue_ = run_task(context_, queues_->create("q", {})).value();
  }

  Queue& queue() { return *queue_; }
  asio::io_context& context() { return context_; }
  const std::filesystem::path& folder() const { return folder_.path(); }

  // Runs `count` tasks made by `make` to their ends.
  template <class Make>
  void run_all(std::int64_t count, const Make& make) {
    std::int64_t running = count;
    for (std::int64_t i = 0; i < count; ++i)
      asio::co_spawn(context_, make(), [&running](std::exception_ptr) { --running; });
    context_.restart();
    while (running > 0 && context_.run_one() > 0) {
    }
  }

 private:
  TemporaryFolder folder_{std::filesystem::current_path()};
  asio::io_context context_;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Queues> queues_;
  std::shared_ptr<Queue> queue_;
};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void report(benchmark::State& state, std::int64_t items, double cpu_began) {
  state.SetItemsProcessed(items);
  state.counters["cpu_us_each"] = (cpu_seconds() - cpu_began) * 1e6 / static_cast<double>(items);
}

Task<> send_some(Queue& queue, int messages) {
  for (int i = 0; i < messages; ++i) {
    Outgoing message{kBody, Millis{0}};
    const auto sent = co_await queue.send(std::move(message));
    if (!sent) std::abort();
  }
}

// Durable sends from so many producers at once, each waiting for its acknowledgement.
void sends(benchmark::State& state) {
  constexpr int kEach = 200;
  Bench bench(true);
  const double began = cpu_seconds();
  for (auto _ : state) {
    bench.run_all(state.range(0), [&] { return send_some(bench.queue(), kEach); });
    state.PauseTiming();
    if (!run_task(bench.context(), bench.queue().purge())) std::abort();
    state.ResumeTiming();
  }
  report(state, state.iterations() * state.range(0) * kEach, began);
}
BENCHMARK(sends)->Arg(1)->Arg(16)->Arg(100)->UseRealTime()->Unit(benchmark::kMillisecond);

Task<> cycle_some(Queue& queue, int messages) {
  for (int i = 0; i < messages; ++i) {
    Outgoing message{kBody, Millis{0}};
    const auto sent = co_await queue.send(std::move(message));
    Receive request{.max = 1, .wait = Millis{1'000}, .lease = {}, .consumer = "i-0123456789abcdef0"};
    const auto received = co_await queue.receive(std::move(request));
    if (!sent || !received || received->empty()) std::abort();
    std::string receipt = received->front().receipt;
    const auto removed = co_await queue.remove(std::move(receipt));
    if (!removed) std::abort();
  }
}

// Send, receive, remove; second argument: durable or in memory.
void cycles(benchmark::State& state) {
  constexpr int kEach = 100;
  Bench bench(state.range(1) != 0);
  const double began = cpu_seconds();
  for (auto _ : state) bench.run_all(state.range(0), [&] { return cycle_some(bench.queue(), kEach); });
  report(state, state.iterations() * state.range(0) * kEach, began);
}
BENCHMARK(cycles)
    ->ArgsProduct({{1, 16, 100}, {0, 1}})
    ->ArgNames({"clients", "durable"})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// From the send's acknowledgement until the waiting receiver has the message.
void wake_up(benchmark::State& state) {
  Bench bench(true);
  for (auto _ : state) {
    bool received = false;
    Task<Result<std::vector<Message>>> receiving = bench.queue().receive({.wait = Millis{20'000}});
    asio::co_spawn(bench.context(), std::move(receiving),
                   [&](std::exception_ptr, const Result<std::vector<Message>>&) { received = true; });
    bench.context().restart();
    bench.context().poll();
    if (!run_task(bench.context(), bench.queue().send({kBody, Millis{0}}))) std::abort();
    const auto sent = std::chrono::steady_clock::now();
    while (!received) bench.context().run_one();
    state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - sent).count());
  }
}
BENCHMARK(wake_up)->Iterations(1'000)->UseManualTime()->Unit(benchmark::kMicrosecond);

// Opening a folder that holds so many messages.
void restart(benchmark::State& state) {
  const TemporaryFolder folder(std::filesystem::current_path());
  asio::io_context context;
  const SystemClock clock;
  SystemRandom random;
  const auto open = [&](Database& database) {
    return open_durable_queues(context.get_executor(), database, clock, random, Log::silent()).value();
  };
  {
    auto database = Database::open(context.get_executor(), folder.path(), Log::silent()).value();
    auto queues = open(*database);
    auto queue = run_task(context, queues->create("q", {})).value();
    for (std::int64_t i = 0; i < state.range(0); i += 10) {
      std::vector<Outgoing> batch(10, Outgoing{kBody, Millis{0}});
      run_task(context, queue->send_batch(std::move(batch)));
    }
  }
  for (auto _ : state) {
    auto database = Database::open(context.get_executor(), folder.path(), Log::silent()).value();
    auto queues = open(*database);
    state.PauseTiming();
    queues.reset();
    database.reset();
    state.ResumeTiming();
  }
}
BENCHMARK(restart)->Arg(100'000)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace facefleet::queue
