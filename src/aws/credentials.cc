#include "aws/credentials.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <vector>

namespace facefleet::aws {
namespace {

constexpr std::int64_t kRenewedMs = 15 * 60'000;  // before the end, in the background; botocore's advisory time
constexpr std::int64_t kAwaitedMs = 60'000;       // before the end, new ones are worth waiting for
constexpr Millis kAwaited{2'000};                 // but for no longer, while the old ones are good
constexpr Millis kPause{60'000};                  // between two askings while the keys are good
constexpr Millis kShortPause{1'000};              // and while there are none
constexpr Millis kRefusedPause{10'000};           // from one asking because a service refused the keys to the next
constexpr int kRefusedBurst = 10;                 // askings that came to others, without that pause

bool same(const Credentials& a, const Credentials& b) {
  return a.access_key_id == b.access_key_id && a.secret_access_key == b.secret_access_key &&
         a.session_token == b.session_token;
}

class FixedCredentials final : public SharedCredentials {
 public:
  explicit FixedCredentials(Credentials credentials) : credentials_(std::move(credentials)) {}

  const Credentials* current() override { return &credentials_; }
  Task<Result<Credentials>> get(MonoTime) override { co_return credentials_; }
  std::uint64_t version() const override { return 0; }
  Task<bool> renew(std::uint64_t, MonoTime) override { co_return false; }
  std::string origin() const override { return "what this client was given"; }

 private:
  const Credentials credentials_;
};

class FetchedCredentials final : public SharedCredentials, public std::enable_shared_from_this<FetchedCredentials> {
 public:
  FetchedCredentials(const Executor& executor, CredentialSource source, std::optional<Granted> first,
                     const Clock& clock, Random& random, Log log)
      : executor_(executor),
        source_(std::move(source)),
        clock_(clock),
        random_(random),
        log_(std::move(log)),
        held_(std::move(first)) {
    if (held_) tell();
  }

  const Credentials* current() override {
    if (!held_) return nullptr;
    if (held_->expires_ms) {
      const std::int64_t left_ms = *held_->expires_ms - clock_.wall_ms();
      if (left_ms <= 0) return nullptr;
      if (left_ms < kRenewedMs && clock_.now() >= next_asking_) ask();
      if (left_ms < kAwaitedMs && asking_) return nullptr;
    }
    return &held_->credentials;
  }

  Task<Result<Credentials>> get(MonoTime deadline) override {
    const bool failed_lately = failure_ && clock_.now() < next_asking_;
    if (!failed_lately) ask();
    co_await wait(is_usable() ? std::min(deadline, clock_.now() + kAwaited) : deadline);
    if (is_usable()) co_return held_->credentials;
    if (!failure_ || asking_)
      co_return Error{Code::kTimedOut, "The credentials to sign with did not come in time.", "no_credentials"};
    co_return *failure_;
  }

  std::uint64_t version() const override { return version_; }

  Task<bool> renew(std::uint64_t refused, MonoTime deadline) override {
    if (version_ == refused && !asking_) {
      const bool too_often = next_renewal_ - clock_.now() > (kRefusedBurst - 1) * kRefusedPause;
      if (too_often || clock_.now() < fruitless_until_) co_return false;
      ask();
    }
    co_await wait(deadline);
    co_return version_ != refused&& is_usable();
  }

  std::string origin() const override { return held_ ? held_->origin : "no source"; }

 private:
  bool is_usable() const { return held_ && (!held_->expires_ms || clock_.wall_ms() < *held_->expires_ms); }

  void ask() {
    if (std::exchange(asking_, true)) return;
    asio::co_spawn(executor_, source_(), [self = shared_from_this()](std::exception_ptr bug, Result<Granted> granted) {
      if (bug) granted = Error{Code::kUnavailable, "the question for credentials was cut off", ""};
      self->hear(std::move(granted));
    });
  }

  void hear(Result<Granted> granted) {
    asking_ = false;
    if (granted) {
      take(std::move(*granted));
    } else {
      failure_ = granted.error();
      fruitless_until_ = clock_.now() + kRefusedPause;
    }
    next_asking_ = clock_.now() + (is_usable() ? pause() : kShortPause);
    if (failure_)
      log_.warn("cannot renew the credentials", {{"why", failure_->message}, {"usable", is_usable() ? 1 : 0}});
    for (const auto& waiting : std::exchange(waiting_, {}))
      if (const auto one = waiting.lock()) one->set(true);
  }

  void take(Granted granted) {
    if (!held_ || !same(held_->credentials, granted.credentials)) {
      ++version_;
      next_renewal_ = std::max(next_renewal_, clock_.now()) + kRefusedPause;
    } else {
      fruitless_until_ = clock_.now() + kRefusedPause;
    }
    held_ = std::move(granted);
    failure_.reset();
    if (!is_usable())
      failure_ = Error{Code::kUnavailable, "The credentials that " + held_->origin + " gives have expired.", "expired"};
    tell();
  }

  void tell() const {
    log_.info("credentials", {{"from", held_->origin},
                              {"until", held_->expires_ms ? iso8601(*held_->expires_ms) : "they are refused"}});
  }

  // Jittered, so that the workers of one start do not ask all at once; shorter where the end is near.
  Millis pause() {
    if (!held_->expires_ms) return kPause;
    const std::int64_t left_ms = std::max<std::int64_t>(0, *held_->expires_ms - clock_.wall_ms());
    const auto longest = std::clamp(Millis(left_ms / 10), kShortPause, kPause);
    return longest / 2 + Millis(static_cast<std::int64_t>(random_.next() % (longest.count() / 2 + 1)));
  }

  Task<> wait(MonoTime deadline) {
    if (!asking_) co_return;
    const auto answered = std::make_shared<OneShot<bool>>(executor_);
    waiting_.push_back(answered);
    co_await answered->wait_until(deadline);
  }

  const Executor executor_;
  const CredentialSource source_;
  const Clock& clock_;
  Random& random_;
  const Log log_;
  std::optional<Granted> held_;
  std::optional<Error> failure_;  // of the last asking
  std::uint64_t version_ = 0;
  bool asking_ = false;
  std::vector<std::weak_ptr<OneShot<bool>>> waiting_;
  MonoTime next_asking_{};      // no sooner, of itself
  MonoTime next_renewal_{};     // when a service's refusal may count again; a few are ahead of it
  MonoTime fruitless_until_{};  // the source has no others just now
};

}  // namespace

std::shared_ptr<SharedCredentials> SharedCredentials::fixed(Credentials credentials) {
  return std::make_shared<FixedCredentials>(std::move(credentials));
}

std::shared_ptr<SharedCredentials> SharedCredentials::open(const Executor& executor, CredentialSource source,
                                                           std::optional<Granted> first, const Clock& clock,
                                                           Random& random, Log log) {
  return std::make_shared<FetchedCredentials>(executor, std::move(source), std::move(first), clock, random,
                                              std::move(log));
}

}  // namespace facefleet::aws
