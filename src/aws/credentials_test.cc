#include "aws/credentials.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <deque>

#include "base/testing.h"

namespace facefleet::aws {
namespace {

constexpr Millis kHour{3'600'000};
constexpr MonoTime kNever = MonoTime::max();

// A source that answers when the test says so, and the cache in front of it.
class CredentialsTest : public testing::Test {
 protected:
  Task<Result<Granted>> fetch() {
    ++askings_;
    gate_ = std::make_shared<OneShot<Result<Granted>>>(context_.get_executor());
    const std::shared_ptr<OneShot<Result<Granted>>> gate = gate_;
    auto answer = co_await gate->wait_until(kNever);
    co_return *std::move(answer);
  }

  void open(std::optional<Granted> first) {
    shared_ = SharedCredentials::open(
        context_.get_executor(), [this] { return fetch(); }, std::move(first), clock_, random_, Log::silent());
  }

  Granted keys(std::string id, std::optional<Millis> last) const {
    Granted granted{{std::move(id), "secret", "token"}, std::nullopt, "a test"};
    if (last) granted.expires_ms = clock_.wall_ms() + last->count();
    return granted;
  }

  // All that can go on without an answer.
  void settle() {
    context_.restart();
    context_.poll();
  }

  void answer(Result<Granted> granted) {
    settle();
    ASSERT_TRUE(gate_);
    gate_->set(std::move(granted));
    settle();
  }

  std::string current() {
    const Credentials* held = shared_->current();
    settle();
    return held == nullptr ? "" : held->access_key_id;
  }

  static Error unavailable() { return {Code::kUnavailable, "not now", ""}; }

  asio::io_context context_;
  ManualClock clock_;
  SeededRandom random_{7};
  int askings_ = 0;
  std::shared_ptr<OneShot<Result<Granted>>> gate_;
  std::shared_ptr<SharedCredentials> shared_;
};

TEST_F(CredentialsTest, OneFetchServesAllWhoWait) {
  open(std::nullopt);
  EXPECT_EQ(current(), "");
  std::vector<std::string> got;
  for (int i = 0; i < 100; ++i)
    asio::co_spawn(context_, shared_->get(kNever), [&got](const std::exception_ptr&, Result<Credentials> result) {
      got.push_back(result ? result->access_key_id : result.error().message);
    });
  settle();
  EXPECT_TRUE(got.empty());
  answer(keys("A", kHour));
  EXPECT_EQ(got, std::vector<std::string>(100, "A"));
  EXPECT_EQ(askings_, 1);
  EXPECT_EQ(current(), "A");
}

TEST_F(CredentialsTest, KeysWithoutAnEndAreNeverAskedForAgain) {
  open(keys("A", std::nullopt));
  clock_.advance(1'000 * kHour);
  EXPECT_EQ(current(), "A");
  EXPECT_EQ(askings_, 0);
}

TEST_F(CredentialsTest, RenewsInTheLastQuarterOfAnHourWhileTheOldAreUsed) {
  open(keys("A", kHour));
  clock_.advance(Millis{44 * 60'000});
  EXPECT_EQ(current(), "A");
  EXPECT_EQ(askings_, 0);
  clock_.advance(Millis{2 * 60'000});
  EXPECT_EQ(current(), "A");
  EXPECT_EQ(current(), "A");
  EXPECT_EQ(askings_, 1);
  const std::uint64_t version = shared_->version();
  answer(keys("B", kHour));
  EXPECT_EQ(current(), "B");
  EXPECT_NE(shared_->version(), version);
  EXPECT_EQ(askings_, 1);
}

TEST_F(CredentialsTest, TheOldAreUsedToTheirEndWhereTheSourceFails) {
  open(keys("A", kHour));
  clock_.advance(Millis{46 * 60'000});
  int failures = 0;
  for (; clock_.wall_ms() < 1'700'000'000'000 + kHour.count(); clock_.advance(Millis{1'000})) {
    current();
    if (askings_ > failures) answer(unavailable());
    failures = askings_;
    ASSERT_EQ(current(), "A");
  }
  EXPECT_GE(failures, 14);  // about once a minute, and more often to the end
  EXPECT_LE(failures, 80);
  EXPECT_EQ(current(), "");
  const int before = askings_;
  asio::co_spawn(context_, shared_->get(kNever), [](const std::exception_ptr&, const Result<Credentials>& result) {
    EXPECT_EQ(result.error().message, "not now");
  });
  settle();
  if (askings_ > before) answer(unavailable());
}

TEST_F(CredentialsTest, InTheLastMinuteTheNewAreWaitedFor) {
  open(keys("A", kHour));
  clock_.advance(Millis{59 * 60'000 + 1});
  EXPECT_EQ(shared_->current(), nullptr);
  std::optional<Result<Credentials>> got;
  asio::co_spawn(context_, shared_->get(kNever),
                 [&got](const std::exception_ptr&, Result<Credentials> result) { got = std::move(result); });
  answer(unavailable());
  ASSERT_TRUE(got);
  EXPECT_EQ((*got)->access_key_id, "A");  // still good
  EXPECT_EQ(current(), "A");
}

TEST_F(CredentialsTest, ASourceThatJustFailedIsNotAskedAtOnceAgain) {
  open(std::nullopt);
  const auto ask = [this] {
    asio::co_spawn(context_, shared_->get(kNever), [](const std::exception_ptr&, const Result<Credentials>& result) {
      EXPECT_EQ(result.error().message, "not now");
    });
    settle();
  };
  ask();
  answer(unavailable());
  for (int i = 0; i < 10; ++i) ask();
  EXPECT_EQ(askings_, 1);
  clock_.advance(Millis{1'001});
  ask();
  EXPECT_EQ(askings_, 2);
  answer(unavailable());
}

TEST_F(CredentialsTest, ExpiredKeysAreNoKeys) {
  open(std::nullopt);
  std::optional<Result<Credentials>> got;
  asio::co_spawn(context_, shared_->get(kNever),
                 [&got](const std::exception_ptr&, Result<Credentials> result) { got = std::move(result); });
  answer(keys("A", Millis{-1}));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->error().reason, "expired");
}

TEST_F(CredentialsTest, KeysThatAServiceRefusesAreAskedForAnewOnceForAll) {
  open(keys("A", kHour));
  std::vector<bool> renewed;
  const auto renew = [&](std::uint64_t refused) {
    asio::co_spawn(context_, shared_->renew(refused, kNever),
                   [&renewed](const std::exception_ptr&, bool fresh) { renewed.push_back(fresh); });
    settle();
  };
  const std::uint64_t refused = shared_->version();
  renew(refused);
  renew(refused);
  answer(keys("B", kHour));
  renew(refused);  // a late one: they are fresh already
  EXPECT_EQ(renewed, (std::vector<bool>{true, true, true}));
  EXPECT_EQ(askings_, 1);
  renew(shared_->version());
  answer(keys("B", kHour));  // it has no others
  EXPECT_FALSE(renewed.back());
  renew(shared_->version());  // so it is left alone
  EXPECT_FALSE(renewed.back());
  EXPECT_EQ(askings_, 2);
  clock_.advance(Millis{10'001});
  renew(shared_->version());
  answer(keys("C", kHour));
  EXPECT_TRUE(renewed.back());
  EXPECT_EQ(askings_, 3);
}

TEST_F(CredentialsTest, ASourceOfKeysThatAreAllRefusedIsAskedAFewTimesAndThenSeldom) {
  open(keys("A", kHour));
  const auto refuse = [this] {
    const int before = askings_;
    asio::co_spawn(context_, shared_->renew(shared_->version(), kNever), asio::detached);
    settle();
    if (askings_ > before) answer(keys("K" + std::to_string(askings_), kHour));
  };
  for (int i = 0; i < 100; ++i) refuse();
  EXPECT_EQ(askings_, 10);
  for (int i = 0; i < 100; ++i, clock_.advance(Millis{1'000})) refuse();
  EXPECT_NEAR(askings_, 20, 1);
}

TEST_F(CredentialsTest, WhoWaitsTooLongIsToldSo) {
  open(std::nullopt);
  const auto result = run_task(context_, shared_->get(std::chrono::steady_clock::now()));
  EXPECT_EQ(result.error().code, Code::kTimedOut);
  answer(keys("A", kHour));
  EXPECT_EQ(current(), "A");
}

}  // namespace
}  // namespace facefleet::aws
