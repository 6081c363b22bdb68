#include "load/load.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <memory>
#include <utility>

#include "net/http_client.h"

namespace facefleet::load {
namespace {

// "No time-out" still ends some day, so that no deadline overflows.
constexpr Millis kPatience = std::chrono::hours(24);

std::string_view content_type_of(std::string_view name) {
  if (name.ends_with(".png") || name.ends_with(".PNG")) return "image/png";
  if (name.ends_with(".webp") || name.ends_with(".WEBP")) return "image/webp";
  return "image/jpeg";
}

// As browsers do it (HTML standard, multipart/form-data encoding algorithm).
std::string escaped(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '"') {
      out += "%22";
    } else if (c == '\r') {
      out += "%0D";
    } else if (c == '\n') {
      out += "%0A";
    } else {
      out += c;
    }
  }
  return out;
}

class Crowd {
 public:
  Crowd(const Executor& executor, Options options, const std::vector<Photo>& photos, const Predictions& predictions,
        const Clock& clock, Random& random, OnReply on_reply)
      : options_(std::move(options)),
        photos_(photos),
        predictions_(predictions),
        clock_(clock),
        on_reply_(std::move(on_reply)),
        boundary_("facefleet-" + random_hex(random, 32)),
        timeout_(options_.timeout.count() > 0 ? options_.timeout : kPatience),
        over_(executor) {
    net::ClientOptions client;
    client.host = options_.url.host;
    client.port = options_.url.port;
    client.tls = options_.url.tls;
    client.connections_max = std::max(1U, std::min(options_.concurrency, options_.requests));
    callers_ = client.connections_max;
    client_ = net::HttpClient::open(executor, std::move(client));
    outcome_.requests = options_.requests;
    outcome_.latencies_ms.reserve(options_.requests);
  }

  Task<Outcome> run() {
    const Executor executor = co_await asio::this_coro::executor;
    begun_ = clock_.now();
    if (!options_.arrivals.empty()) callers_ = options_.requests;
    for (std::uint32_t i = 0, count = callers_; i < count; ++i) {
      asio::co_spawn(executor, options_.arrivals.empty() ? call_until_none_is_left() : call_at(i),
                     [this](const std::exception_ptr& error) {
                       if (error && !failure_) failure_ = error;
                       if (--callers_ == 0) over_.set(true);
                     });
    }
    co_await over_.wait_until(MonoTime::max());
    if (failure_) std::rethrow_exception(failure_);
    co_return std::move(outcome_);
  }

 private:
  Task<> call_until_none_is_left() {
    while (sent_ < options_.requests) co_await call(sent_++, clock_.now());
  }

  // Latency counts from the arrival, whatever kept the request from being begun then.
  Task<> call_at(std::uint32_t number) {
    const MonoTime arrival = begun_ + options_.arrivals[number];
    asio::steady_timer timer(co_await asio::this_coro::executor);
    timer.expires_at(arrival);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    outcome_.begun_late_s = std::max(outcome_.begun_late_s, seconds_since(arrival));
    co_await call(number, arrival);
  }

  Task<> call(std::uint32_t number, MonoTime begun) {
    const Photo& photo = photos_[number % photos_.size()];
    net::HttpRequest request = make_request(photo);
    outcome_.last_sent_s = seconds_since(begun_);
    const Result<net::HttpResponse> response = co_await client_->send(std::move(request), timeout_);
    record(photo, response, seconds_since(begun));
  }

  net::HttpRequest make_request(const Photo& photo) const {
    net::HttpRequest request;
    request.method = "POST";
    request.target = options_.url.target;
    request.headers.set("Content-Type", "multipart/form-data; boundary=" + boundary_);
    request.headers.set("Accept", "*/*");
    std::string head = "--" + boundary_ + "\r\nContent-Disposition: form-data; name=\"" + escaped(options_.field) +
                       "\"; filename=\"" + escaped(photo.name) + "\"\r\nContent-Type: ";
    head += content_type_of(photo.name);
    head += "\r\n\r\n";
    const std::string tail = "\r\n--" + boundary_ + "--\r\n";
    request.body.reserve(head.size() + photo.bytes.size() + tail.size());
    request.body.append(head).append(photo.bytes).append(tail);
    return request;
  }

  void record(const Photo& photo, const Result<net::HttpResponse>& response, double seconds) {
    Reply reply;
    reply.name = photo.name;
    std::string label, failure;
    if (!response) {
      failure = response.error().message;
    } else if (response->status != 200) {
      failure = "status " + std::to_string(response->status) + ": " + response->body.substr(0, 200);
    } else {
      label = label_of(photo.name, response->body);
      const auto expected = predictions_.find(stem(photo.name));
      const bool known = expected != predictions_.end();
      if (known) reply.expected = expected->second;
      reply.verdict = !known ? Verdict::kUnchecked : label == expected->second ? Verdict::kRight : Verdict::kWrong;
      outcome_.latencies_ms.push_back(seconds * 1e3);
      if (outcome_.latencies_ms.size() == 1) outcome_.first_answer_s = seconds_since(begun_);
    }
    outcome_.last_answer_s = seconds_since(begun_);
    count(reply.verdict)++;
    reply.label = label;
    reply.failure = failure;
    reply.done = ++done_;
    on_reply_(reply);
  }

  std::uint32_t& count(Verdict verdict) {
    switch (verdict) {
      case Verdict::kRight: return outcome_.right;
      case Verdict::kWrong: return outcome_.wrong;
      case Verdict::kUnchecked: return outcome_.unchecked;
      case Verdict::kFailed: break;
    }
    return outcome_.failed;
  }

  double seconds_since(MonoTime then) const { return std::chrono::duration<double>(clock_.now() - then).count(); }

  const Options options_;
  const std::vector<Photo>& photos_;
  const Predictions& predictions_;
  const Clock& clock_;
  const OnReply on_reply_;
  const std::string boundary_;  // random, so that no photo contains it
  const Millis timeout_;
  std::unique_ptr<net::HttpClient> client_;
  OneShot<bool> over_;
  MonoTime begun_;
  std::uint32_t callers_ = 0;
  std::uint32_t sent_ = 0;
  std::uint32_t done_ = 0;
  std::exception_ptr failure_;
  Outcome outcome_;
};

}  // namespace

Task<Outcome> run(Options options, const std::vector<Photo>& photos, const Predictions& predictions, const Clock& clock,
                  Random& random, OnReply on_reply) {
  const Executor executor = co_await asio::this_coro::executor;
  Crowd crowd(executor, std::move(options), photos, predictions, clock, random, std::move(on_reply));
  Outcome outcome = co_await crowd.run();
  co_return outcome;
}

}  // namespace facefleet::load
