#include "gateway/tasks.h"

#include <gtest/gtest.h>

#include "base/testing.h"

namespace facefleet::gateway {
namespace {

Task<> wait_for_ever(bool& ended) {
  struct Note {
    bool& ended;
    ~Note() { ended = true; }
  };
  const Note note{ended};
  co_await sleep_for(std::chrono::hours(1));
}

TEST(Tasks, WhatHasNotEndedAtTheDeadlineIsCancelled) {
  asio::io_context context;
  const auto tasks = std::make_shared<Tasks>(context.get_executor(), Log::silent());
  bool ended = false;
  tasks->spawn("hangs", wait_for_ever(ended));
  run_task(context, tasks->join(std::chrono::steady_clock::now()));
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace facefleet::gateway
