#include "fleet/pool.h"

#include <algorithm>

#include "base/limits.h"

namespace facefleet::fleet {
namespace {

constexpr const char* kPoolTag = "facefleet:pool";

struct Look {
  std::uint32_t there = 0;          // not terminated, nor about to be
  std::uint32_t coming = 0;         // launched for the pool, not running yet
  bool makes_room = false;          // something is on its way to be stopped, and then counts no more
  std::vector<std::string> unused;  // launched for the pool, run, and have no work: to be stopped
  std::vector<std::string> made;    // launched for the pool, and the autoscaler's from now on
};

Look look_at(const std::vector<Instance>& instances) {
  Look look;
  for (const Instance& instance : instances) {
    if (instance.state == InstanceState::kStopping || instance.state == InstanceState::kShuttingDown)
      look.makes_room = true;
    if (instance.state == InstanceState::kTerminated || instance.state == InstanceState::kShuttingDown) continue;
    ++look.there;
    if (!instance.tags.contains(kPoolTag)) continue;
    if (instance.state == InstanceState::kPending) {
      ++look.coming;
    } else {
      look.made.push_back(instance.id);
      if (instance.state == InstanceState::kRunning && instance.worker != WorkerState::kBusy)
        look.unused.push_back(instance.id);
    }
  }
  return look;
}

// One step towards a full pool; true once it is full. Tags go after the stop, so that none is left running unseen.
Task<Result<bool>> step(Fleet& fleet, std::uint32_t size, const Log& log) {
  const auto instances = co_await fleet.list();
  if (!instances) co_return instances.error();
  Look look = look_at(*instances);
  const bool makes_room = look.makes_room || look.coming > 0 || !look.unused.empty();
  if (!look.unused.empty()) {
    const auto stopped = co_await fleet.stop(std::move(look.unused));
    if (!stopped) co_return stopped.error();
  }
  if (!look.made.empty()) {
    std::map<std::string, std::optional<std::string>> tag{{kPoolTag, std::nullopt}};
    const auto untagged = co_await fleet.delete_tags(std::move(look.made), std::move(tag));
    if (!untagged) co_return untagged.error();
  }
  const std::uint32_t missing = size - std::min(size, look.there);
  if (missing == 0) co_return look.coming == 0;
  Launch launch;
  launch.count = missing;
  launch.tags = {{kPoolTag, "new"}};
  const auto launched = co_await fleet.launch(std::move(launch));
  if (launched) log.info("launched for the pool", {{"instances", launched->size()}, {"of", size}});
  if (!launched && !(launched.error().code == Code::kBusy && makes_room)) co_return launched.error();
  co_return false;
}

bool may_pass(const Error& error) { return error.code == Code::kUnavailable || error.code == Code::kTimedOut; }

}  // namespace

Task<Result<void>> fill_pool(Fleet& fleet, std::uint32_t size, const Clock& clock, Log log, Millis look_every) {
  const MonoTime deadline = clock.now() + Millis(limits::kPoolFillMs);
  for (;;) {
    const auto full = co_await step(fleet, size, log);
    if (full && *full) co_return Result<void>();
    if (!full && !may_pass(full.error())) co_return full.error();
    if (clock.now() >= deadline)
      co_return Error{Code::kTimedOut,
                      full ? "the instances of the pool did not come up in time" : full.error().message, "pool"};
    co_await sleep_for(look_every);
  }
}

}  // namespace facefleet::fleet
