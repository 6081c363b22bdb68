#include "apps/role.h"

#include <sys/resource.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <exception>

namespace facefleet::apps {

namespace {

// The gateway and the doors hold a connection a caller (limits::kHttpConnections); shells start programs with 1,024.
void raise_descriptor_limit() {
  rlimit descriptors{};
  if (getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return;
  descriptors.rlim_cur = descriptors.rlim_max;
  setrlimit(RLIMIT_NOFILE, &descriptors);
}

}  // namespace

int run_role(Role& role, Task<Result<void>> body, std::function<void()> stop) {
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  asio::signal_set signals(role.context, SIGTERM, SIGINT);
  signals.async_wait([&](boost::system::error_code failed, int) {
    if (!failed) stop();
  });
  int status = 0;
  asio::co_spawn(role.context, std::move(body), [&](std::exception_ptr bug, Result<void> result) {
    if (bug) {
      try {
        std::rethrow_exception(bug);
      } catch (const std::exception& what) {
        role.log.error("ended by a bug", {{"what", what.what()}});
      }
      status = kExitFailed;
    } else if (!result) {
      status = refuse(result.error());
    }
    role.context.stop();
  });
  role.context.run();
  return status;
}

int refuse(const Error& error) {
  std::fprintf(stderr, "facefleet: %s\n", error.message.c_str());
  return kExitRefused;
}

}  // namespace facefleet::apps
