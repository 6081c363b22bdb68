// For tests only: the doors on a free port over queues and objects in memory and a fleet of shells, and signed requests
// to them.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "aws/client.h"
#include "base/database.h"
#include "base/testing.h"
#include "fleet/backends/process_fleet.h"
#include "localcloud/localcloud.h"
#include "net/http_client.h"
#include "queue/backends/durable_queue.h"
#include "queue/backends/memory_queue.h"
#include "store/backends/memory_store.h"
#include "table/backends/memory_tables.h"

namespace facefleet::localcloud {

class DoorsUnderTest {
 public:
  // `queue_pause`: none, as the queues' contract makes a queue again that it has just removed. `durable`: the queues
  // lie on disk, as they do outside tests.
  explicit DoorsUnderTest(std::uint32_t fleet_cap = 3, Millis queue_pause = Millis{0}, bool durable = false) {
    if (durable) {
      database_ = Database::open(executor(), folder_.path() / "data", Log::silent()).value();
      queues_ = queue::open_durable_queues(executor(), *database_, clock_, random_, Log::silent()).value();
    }
    fleet::ProcessOptions fleet_options;
    fleet_options.folder = folder_.path() / "fleet";
    fleet_options.cap = fleet_cap;
    fleet_options.command = [](const std::string& id, const std::filesystem::path&) {
      constexpr const char* kScript = "trap 'exit 0' TERM; while :; do sleep 0.01; done";
      return fleet::Command{"/bin/sh", {"sh", "-c", kScript, "worker", id}, {}};
    };
    fleet_ = fleet::ProcessFleet::open(executor(), std::move(fleet_options), clock_, random_, Log::silent()).value();
    Options options;
    options.port = 0;
    options.credentials = credentials_;
    options.account = "123456789012";
    options.queue_pause = queue_pause;
    doors_ = LocalCloud::open(
                 executor(), std::move(options),
                 {*queues_, *store_, *tables_, fleet_.get(), clock_, random_, Log::silent(), [this] { return others; }})
                 .value();
    net::ClientOptions client_options;
    client_options.port = doors_->port();
    http_ = net::HttpClient::open(executor(), client_options);
  }

  ~DoorsUnderTest() {
    run_task(context_, fleet_->end_all(clock_.now()));
    run_task(context_, doors_->drain(clock_.now()));
  }
  DoorsUnderTest(const DoorsUnderTest&) = delete;
  DoorsUnderTest& operator=(const DoorsUnderTest&) = delete;

  std::vector<fleet::Instance> others;  // Parts::other_instances

  asio::io_context& context() { return context_; }
  Executor executor() { return context_.get_executor(); }
  queue::Queues& queues() { return *queues_; }
  store::LocalStore& store() { return *store_; }
  table::Tables& tables() { return *tables_; }
  fleet::Fleet& fleet() { return *fleet_; }
  const Clock& clock() const { return clock_; }
  const aws::Credentials& credentials() const { return credentials_; }
  std::string host() const { return "127.0.0.1:" + std::to_string(doors_->port()); }

  // A client of `service` as the backends use it.
  std::unique_ptr<aws::Client> client(const std::string& service) {
    aws::Endpoint endpoint;
    endpoint.url = "http://" + host();
    endpoint.credentials = aws::SharedCredentials::fixed(credentials_);
    return aws::Client::open(executor(), std::move(endpoint), service, clock_, random_).value();
  }

  // Signs `request` for `service` and sends it.
  net::HttpResponse send(net::HttpRequest request, const std::string& service) {
    request.headers.set("Host", host());
    aws::sign(request, credentials_, {"eu-central-1", service}, clock_.wall_ms());
    return send_unsigned(std::move(request));
  }

  net::HttpResponse send_unsigned(net::HttpRequest request) {
    return run_task(context_, http_->send(std::move(request), Millis{10'000})).value();
  }

  // An action in AWS JSON.
  net::HttpResponse json(const std::string& action, std::string body) {
    net::HttpRequest request;
    request.method = "POST";
    request.headers.set("Content-Type", "application/x-amz-json-1.0");
    request.headers.set("X-Amz-Target", "AmazonSQS." + action);
    request.body = std::move(body);
    return send(std::move(request), "sqs");
  }

  // An action in the query form of `service`.
  net::HttpResponse query(const std::string& service, std::string form, std::string path = "/") {
    net::HttpRequest request;
    request.method = "POST";
    request.target = std::move(path);
    request.headers.set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
    request.body = std::move(form);
    return send(std::move(request), service);
  }

  net::HttpResponse s3(std::string method, std::string target, std::string body = {}, net::Headers headers = {}) {
    net::HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.headers = std::move(headers);
    request.body = std::move(body);
    return send(std::move(request), "s3");
  }

 private:
  TemporaryFolder folder_;
  SystemClock clock_;
  SystemRandom random_;
  asio::io_context context_;
  aws::Credentials credentials_{"AKTEST", "a secret of the test", ""};
  std::unique_ptr<Database> database_;
  std::unique_ptr<queue::Queues> queues_ =
      queue::open_memory_queues(context_.get_executor(), clock_, random_, Log::silent());
  std::unique_ptr<store::LocalStore> store_ = store::open_memory_store(clock_);
  std::unique_ptr<table::Tables> tables_ = table::open_memory_tables(clock_);
  std::unique_ptr<fleet::ProcessFleet> fleet_;
  std::unique_ptr<LocalCloud> doors_;
  std::unique_ptr<net::HttpClient> http_;
};

}  // namespace facefleet::localcloud
