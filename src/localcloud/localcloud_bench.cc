// What a call through the doors costs, the HTTP client's and the server's sides together, one after another on one
// thread: the calls that a photo makes, over queues and objects in memory.
#include <benchmark/benchmark.h>

#include "fleet/backends/ec2/ec2_fleet.h"
#include "localcloud/doors_under_test.h"
#include "queue/backends/sqs/sqs_queue.h"
#include "store/backends/s3/s3_store.h"

namespace facefleet::localcloud {
namespace {

constexpr std::size_t kPhotoBytes = 15'000;

void BM_SendReceiveRemove(benchmark::State& state) {
  DoorsUnderTest doors;
  const auto client = doors.client("sqs");
  const auto queues = queue::open_sqs_queues(*client);
  const auto queue = run_task(doors.context(), queues->create("q", {})).value();
  const std::string body(300, 'j');
  for (auto _ : state) {
    queue::Outgoing message{body, Millis{0}};
    run_task(doors.context(), queue->send(std::move(message))).value();
    auto messages = run_task(doors.context(), queue->receive({})).value();
    run_task(doors.context(), queue->remove(std::move(messages.front().receipt))).value();
  }
  state.counters["per_call"] = benchmark::Counter(3.0 * static_cast<double>(state.iterations()),
                                                  benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_SendReceiveRemove)->Unit(benchmark::kMicrosecond);

void BM_PutGet(benchmark::State& state) {
  DoorsUnderTest doors;
  const auto client = doors.client("s3");
  const auto store = store::open_s3_store(*client);
  run_task(doors.context(), store->create_bucket("bucket")).value();
  const Bytes photo(kPhotoBytes, 'p');
  for (auto _ : state) {
    run_task(doors.context(), store->put("bucket", "photos/1", photo, {})).value();
    benchmark::DoNotOptimize(run_task(doors.context(), store->get("bucket", "photos/1", std::nullopt)).value());
  }
  state.counters["per_call"] = benchmark::Counter(2.0 * static_cast<double>(state.iterations()),
                                                  benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_PutGet)->Unit(benchmark::kMicrosecond);

void BM_Counts(benchmark::State& state) {
  DoorsUnderTest doors;
  const auto client = doors.client("sqs");
  const auto queues = queue::open_sqs_queues(*client);
  const auto queue = run_task(doors.context(), queues->create("q", {})).value();
  for (auto _ : state) benchmark::DoNotOptimize(run_task(doors.context(), queue->counts()).value());
}
BENCHMARK(BM_Counts)->Unit(benchmark::kMicrosecond);

void BM_ListFleet(benchmark::State& state) {
  DoorsUnderTest doors(15);
  const auto client = doors.client("ec2");
  fleet::Ec2Options options;
  options.cap = 15;
  SystemRandom random;
  const auto fleet = fleet::open_ec2_fleet(*client, std::move(options), doors.clock(), random);
  run_task(doors.context(), fleet->launch(15)).value();
  for (auto _ : state) benchmark::DoNotOptimize(run_task(doors.context(), fleet->list()).value());
}
BENCHMARK(BM_ListFleet)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace facefleet::localcloud
