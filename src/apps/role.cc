#include "apps/role.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <exception>

namespace facefleet::apps {

int run_role(Role& role, Task<Result<void>> body, std::function<void()> stop) {
  std::signal(SIGPIPE, SIG_IGN);
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
