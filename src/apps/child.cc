#include "apps/child.h"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <csignal>

#include "apps/role.h"

namespace facefleet::apps {
namespace {

constexpr Millis kRestartPauseMin{100};
constexpr Millis kRestartPauseMax{5'000};
constexpr Millis kLeftBehindMax{5'000};  // a process of an earlier `up` that has not ended by then is killed
constexpr Millis kSteady{10'000};        // a process that lived so long had a good start: the back-off begins anew

// Returns once the process has ended; closes the pidfd.
Task<std::string> ended(int pidfd) {
  asio::posix::stream_descriptor watched(co_await asio::this_coro::executor, pidfd);
  boost::system::error_code ignored;
  co_await watched.async_wait(asio::posix::descriptor_base::wait_read,
                              asio::redirect_error(asio::use_awaitable, ignored));
  co_return fleet::reap(pidfd);
}

}  // namespace

Task<> Child::end_left_behind(const fleet::Command& command) {
  auto found = fleet::find_process(0, 0, command.arguments);
  if (!found) co_return;
  const int pidfd = found->pidfd;
  fleet::send_signal(pidfd, SIGTERM);
  const auto has_ended = std::make_shared<bool>(false);
  asio::steady_timer patience(co_await asio::this_coro::executor, kLeftBehindMax);
  patience.async_wait([pidfd, has_ended](const boost::system::error_code& cancelled) {
    if (!cancelled && !*has_ended) fleet::send_signal(pidfd, SIGKILL);
  });
  co_await ended(pidfd);
  *has_ended = true;
}

Task<std::string> Child::wait_for_end() {
  std::string how = co_await ended(process_->pidfd);
  process_.reset();
  on_change_();
  co_return how;
}

Task<Result<void>> Child::supervise() {
  Millis pause = kRestartPauseMin;
  while (!stopping_) {
    const auto began = std::chrono::steady_clock::now();
    auto found = fleet::find_process(0, 0, command_.arguments);
    const bool adopted = found.has_value();
    if (!adopted) found = fleet::spawn(command_);
    if (!found) co_return found.error();
    process_ = *found;
    log_.info(adopted ? "adopted" : "started", {{"role", name_}, {"pid", process_->pid}});
    on_change_();
    const std::string how = co_await wait_for_end();
    if (stopping_) break;
    if (how == "exited with status " + std::to_string(kExitRefused))
      co_return Error{Code::kInvalidInput, "the " + name_ + " could not start; its own message says why", "refused"};
    if (std::chrono::steady_clock::now() - began > kSteady) pause = kRestartPauseMin;
    log_.warn("ended; starting it again", {{"role", name_}, {"how", how}, {"pause_ms", pause.count()}});
    co_await sleep_for(pause);
    pause = std::min(pause * 2, kRestartPauseMax);
  }
  co_return Result<void>();
}

void Child::stop(int signal) {
  stopping_ = true;
  if (process_) fleet::send_signal(process_->pidfd, signal);
}

}  // namespace facefleet::apps
