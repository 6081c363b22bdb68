// For tests only: the other end of a client.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aws/client.h"
#include "base/testing.h"
#include "net/http_server.h"

namespace facefleet::aws {

// Always the least: retries then wait for nothing.
class LeastRandom final : public Random {
 public:
  std::uint64_t next() override { return 0; }
};

// A client of the service at FACEFLEET_TEST_ENDPOINT, and all that it needs: the contracts run against whatever listens
// there (tests/aws/moto_contract_test.py). Its owner finds it as an earlier test left it.
class OutsideService {
 public:
  // Where that is; empty if the variable is not set, and then those tests do not exist.
  static std::string url() {
    const char* value = std::getenv("FACEFLEET_TEST_ENDPOINT");
    return value == nullptr ? "" : value;
  }

  explicit OutsideService(std::string service) {
    Endpoint endpoint;
    endpoint.url = url();
    endpoint.credentials = SharedCredentials::fixed({"AKIDEXAMPLE", "secret", ""});
    client_ = Client::open(context_.get_executor(), std::move(endpoint), std::move(service), clock_, random_).value();
  }

  asio::io_context& context() { return context_; }
  const Clock& clock() const { return clock_; }
  Client& client() { return *client_; }

 private:
  asio::io_context context_;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<Client> client_;
};

// An HTTP server that answers with what a test laid out, keeps what it was asked, and insists on a good signature. What
// is laid out are AWS's documented answers; nothing here knows what an action means.
class TestService {
 public:
  using Gate = std::shared_ptr<OneShot<bool>>;

  TestService() {
    server_ = net::HttpServer::listen(
                  context_.get_executor(), {},
                  [](const net::HttpRequest&) {
                    return net::Admission{64u << 20, std::nullopt};
                  },
                  [this](net::HttpRequest& request) { return handle(request); }, Log::silent())
                  .value();
  }

  asio::io_context& context() { return context_; }
  const Clock& clock() const { return clock_; }

  Random& random() { return random_; }

  Endpoint endpoint() const {
    Endpoint endpoint;
    endpoint.url = "http://127.0.0.1:" + std::to_string(server_->port());
    endpoint.credentials = SharedCredentials::fixed(credentials_);
    return endpoint;
  }

  std::unique_ptr<Client> open_client(std::string service) {
    return Client::open(context_.get_executor(), endpoint(), std::move(service), clock_, random_).value();
  }

  // From now on, a request need not be signed well.
  void accept_any_signature() { strict_ = false; }

  // Lays out the next answer. It is given once `gate`, if there is one, has been set.
  void answer(int status, std::string body, std::vector<std::pair<std::string, std::string>> fields = {},
              Gate gate = nullptr) {
    net::HttpResponse response;
    response.status = status;
    response.body = std::move(body);
    for (auto& [name, value] : fields) response.headers.add(std::move(name), std::move(value));
    answers_.emplace_back(std::move(response), std::move(gate));
  }
  Gate make_gate() { return std::make_shared<OneShot<bool>>(context_.get_executor()); }

  // What was asked so far.
  const std::vector<net::HttpRequest>& requests() const { return requests_; }

  template <class T>
  T run(Task<T> task) {
    return run_task(context_, std::move(task));
  }

 private:
  Task<net::HttpResponse> handle(net::HttpRequest& request) {
    const auto secret_of = [this](std::string_view) { return std::optional(credentials_.secret_access_key); };
    const auto verified = verify(request, secret_of, clock_.wall_ms());
    EXPECT_TRUE(verified || !strict_) << verified.error().message;
    requests_.push_back(request);
    if (answers_.empty()) {
      ADD_FAILURE() << "no answer was laid out for " << request.method << " " << request.target;
      co_return net::HttpResponse::text(400, "");
    }
    auto [response, gate] = std::move(answers_.front());
    answers_.pop_front();
    if (gate) co_await gate->wait_until(MonoTime::max());
    co_return response;
  }

  asio::io_context context_;
  SystemClock clock_;
  LeastRandom random_;
  const Credentials credentials_{"AKIDEXAMPLE", "secret", ""};
  std::deque<std::pair<net::HttpResponse, Gate>> answers_;
  std::vector<net::HttpRequest> requests_;
  bool strict_ = true;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace facefleet::aws
