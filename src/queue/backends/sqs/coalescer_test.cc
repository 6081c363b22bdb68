#include "queue/backends/sqs/coalescer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <string>

#include "base/testing.h"

namespace facefleet::queue {
namespace {

using testing::ElementsAre;
using Batch = std::vector<std::string>;
using Texts = Coalescer<std::string, Result<std::string>>;

// Keeps the batches that it is asked to send, each until the test answers it.
class CoalescerTest : public testing::Test {
 protected:
  struct Sent {
    Sent(const Executor& executor, Batch sent_entries) : entries(std::move(sent_entries)), answer(executor) {}
    Batch entries;
    OneShot<bool> answer;
  };

  static Task<std::vector<Result<std::string>>> send(std::vector<std::shared_ptr<Sent>>* sent, Batch batch) {
    const Executor executor = co_await asio::this_coro::executor;
    auto mine = std::make_shared<Sent>(executor, std::move(batch));
    sent->push_back(mine);
    const auto good = co_await mine->answer.wait_until(MonoTime::max());
    if (!*good) throw std::runtime_error("broken");
    std::vector<Result<std::string>> answers;
    for (const std::string& entry : mine->entries) answers.push_back("re: " + entry);
    co_return answers;
  }

  // Submits beside the test; the answers, or the errors' messages, come to `answers_`.
  void submit(Batch entries, asio::cancellation_slot slot = {}) {
    asio::co_spawn(context_, texts_->submit(std::move(entries)),
                   asio::bind_cancellation_slot(
                       slot, [this](std::exception_ptr error, const std::vector<Result<std::string>>& answers) {
                         if (error) answers_.emplace_back("thrown");
                         for (const auto& answer : answers)
                           answers_.push_back(answer ? *answer : answer.error().message);
                       }));
    run();
  }

  void answer(std::size_t index, bool good = true) {
    sent_.at(index)->answer.set(good);
    run();
  }

  void run() {
    context_.restart();
    context_.poll();
  }

  asio::io_context context_;
  std::vector<std::shared_ptr<Sent>> sent_;
  std::vector<std::string> answers_;
  std::shared_ptr<Texts> texts_ =
      std::make_shared<Texts>([this](Batch batch) { return send(&sent_, std::move(batch)); },
                              [](const std::string& text) { return text.size(); },
                              Texts::Limits{.entries_max = 3, .bytes_max = 10, .batches_max = 2});
};

TEST_F(CoalescerTest, ALoneEntryGoesAtOnce) {
  submit({"a"});
  ASSERT_EQ(sent_.size(), 1u);
  answer(0);
  EXPECT_THAT(answers_, ElementsAre("re: a"));
  submit({"b"});
  EXPECT_EQ(sent_.size(), 2u);
}

TEST_F(CoalescerTest, WhatComesMeanwhileTravelsTogether) {
  submit({"a"});
  submit({"b"});
  submit({"c"});
  ASSERT_EQ(sent_.size(), 1u);
  answer(0);
  ASSERT_EQ(sent_.size(), 2u);
  EXPECT_THAT(sent_[1]->entries, ElementsAre("b", "c"));
  answer(1);
  EXPECT_THAT(answers_, ElementsAre("re: a", "re: b", "re: c"));
}

TEST_F(CoalescerTest, AFullBatchDoesNotWaitButBatchesHaveALimit) {
  submit({"a"});
  submit({"b", "c", "d", "e"});
  ASSERT_EQ(sent_.size(), 2u);
  EXPECT_THAT(sent_[1]->entries, ElementsAre("b", "c", "d"));
  submit({"f", "g", "h"});
  EXPECT_EQ(sent_.size(), 2u);
  answer(1);
  ASSERT_EQ(sent_.size(), 3u);
  EXPECT_THAT(sent_[2]->entries, ElementsAre("e", "f", "g"));
  answer(0);
  EXPECT_EQ(sent_.size(), 3u);
  answer(2);
  ASSERT_EQ(sent_.size(), 4u);
  EXPECT_THAT(sent_[3]->entries, ElementsAre("h"));
}

TEST_F(CoalescerTest, ABatchKeepsToItsBytes) {
  submit({"a"});
  submit({"1234567", "890", "x"});
  ASSERT_EQ(sent_.size(), 2u);  // full by bytes
  EXPECT_THAT(sent_[1]->entries, ElementsAre("1234567", "890"));
  answer(0);
  answer(1);
  ASSERT_EQ(sent_.size(), 3u);
  EXPECT_THAT(sent_[2]->entries, ElementsAre("x"));
  answer(2);
  submit({"one that is longer than a batch"});
  EXPECT_EQ(sent_.size(), 4u);
}

TEST_F(CoalescerTest, ACancelledCallerTakesNothingWithIt) {
  asio::cancellation_signal signal;
  submit({"a"});
  submit({"b"}, signal.slot());
  submit({"c"});
  signal.emit(asio::cancellation_type::terminal);
  run();
  EXPECT_THAT(answers_, ElementsAre("thrown"));
  answer(0);
  ASSERT_EQ(sent_.size(), 2u);
  EXPECT_THAT(sent_[1]->entries, ElementsAre("b", "c"));
  answer(1);
  EXPECT_THAT(answers_, ElementsAre("thrown", "re: a", "re: c"));
}

TEST_F(CoalescerTest, ABrokenSendAnswersAllAndLetsTheNextGo) {
  submit({"a", "b"});
  submit({"c"});
  answer(0, /*good=*/false);
  EXPECT_THAT(answers_, ElementsAre("broken", "broken"));
  ASSERT_EQ(sent_.size(), 2u);
  answer(1);
  EXPECT_EQ(answers_.back(), "re: c");
}

TEST_F(CoalescerTest, NothingIsAnsweredWithNothing) {
  submit({});
  EXPECT_TRUE(sent_.empty());
}

}  // namespace
}  // namespace facefleet::queue
