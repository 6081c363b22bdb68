#include "apps/spot_notice.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace facefleet::apps {
namespace {

constexpr Millis kEvery{5'000};

Task<> watch(Role& role, std::unique_ptr<aws::Imds> imds, std::function<void()> drain) {
  for (;; co_await sleep_for(kEvery)) {
    const auto notice = co_await imds->spot_action();
    if (!notice) role.log.debug("cannot ask for a spot notice", {{"why", notice.error().message}});
    if (!notice || !*notice) continue;
    role.log.info("spot notice; this worker leaves", {{"action", (*notice)->action},
                                                      {"at", iso8601((*notice)->time_ms)},
                                                      {"left_s", ((*notice)->time_ms - role.clock.wall_ms()) / 1'000}});
    co_return drain();
  }
}

}  // namespace

void watch_for_spot_notice(Role& role, std::unique_ptr<aws::Imds> imds, std::function<void()> drain) {
  asio::co_spawn(role.context, watch(role, std::move(imds), std::move(drain)), asio::detached);
}

}  // namespace facefleet::apps
