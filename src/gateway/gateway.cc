// The gateway put together: admission before the body, an endpoint after it, loops beside them.
#include "gateway/gateway.h"

#include <algorithm>

#include "base/limits.h"
#include "gateway/admission.h"
#include "gateway/answers.h"
#include "gateway/presence.h"
#include "gateway/readiness.h"
#include "gateway/replies.h"
#include "gateway/routes.h"
#include "net/http_server.h"

namespace facefleet::gateway {
namespace {

constexpr Millis kConnectPause{100};  // between two tries to open the queues at start
constexpr Millis kTidyUp{1'000};      // at most, after the last caller has gone

// One request: its route, its endpoint, and the form of an error that the endpoint returns.
Task<net::HttpResponse> serve(std::shared_ptr<Service> service, net::HttpRequest& request) {
  Found found = find_route(request);  // admit() let it in, so there is one
  if (!found.route) co_return error_response(found.error, "");
  Call call{*service, request, std::move(found.captures), net::parse_form(request.query()), {}, {}, {}};
  call.request_id = make_id(service->parts.clock.wall_ms(), service->parts.random);
  call.began = service->parts.clock.now();
  if (const ApiKey* key = find_key(*service, request)) call.key_name = key->name;
  const Form form = error_form(*service, request, found.route);
  auto result = co_await found.route->endpoint(call);
  net::HttpResponse response;
  if (result)
    response = std::move(*result);
  else
    response = error_response(told_to_caller(result.error()), call.request_id, form);
  response.headers.set("X-Request-Id", call.request_id);
  const std::chrono::duration<double> took = service->parts.clock.now() - call.began;
  service->instruments.answered_request(*found.route, response.status, took.count());
  if (!result && response.status >= 500)  // /readyz says 503 as its answer
    service->parts.log.error("request_failed", {{"path", found.route->path},
                                                {"request", call.request_id},
                                                {"status", response.status},
                                                {"why", result ? std::string() : result.error().message}});
  co_return response;
}

Task<> sweep_regularly(std::shared_ptr<Service> service) {
  for (;;) {
    auto swept = co_await service->retention->sweep();
    if (!swept) service->parts.log.warn("sweep_failed", {{"why", swept.error().message}});
    co_await sleep_for(Millis(limits::kSweepIntervalMs));
  }
}

// What is left undone here, the sweep of another gateway does.
Task<> tidy_up(std::shared_ptr<Service> service) {
  co_await service->retention->flush();
  co_await leave(*service);
  co_await service->retention->flush();  // of answers that nobody read any more
}

class HttpGateway final : public Gateway {
 public:
  HttpGateway(std::shared_ptr<Service> service, std::unique_ptr<net::HttpServer> server)
      : service_(std::move(service)), server_(std::move(server)), stop_(service_->executor) {}

  std::uint16_t port() const override { return server_->port(); }

  Task<Result<void>> run() override {
    while (!service_->draining) {
      auto connected = co_await service_->connect();
      if (connected) break;
      if (connected.error().code != Code::kUnavailable && connected.error().code != Code::kNotFound &&
          connected.error().code != Code::kTimedOut && connected.error().code != Code::kBusy)
        co_return connected;
      co_await sleep_for(kConnectPause);
    }
    if (!service_->draining) {
      for (std::size_t i = 0; i < limits::kAnswerPolls; ++i)
        service_->loops->spawn("answers", receive_answers(service_));
      if (service_->options.own_response_queue) {
        service_->loops->spawn("presence", stay_present(service_));
        service_->loops->spawn("others", watch_others(service_));
      }
      service_->loops->spawn("sweep", sweep_regularly(service_));
      service_->loops->spawn("readiness", become_ready(service_));
    }
    while (!stopped_) {
      stop_.expires_at(MonoTime::max());
      boost::system::error_code ignored;
      co_await stop_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    co_return Result<void>();
  }

  void set_keys(std::vector<ApiKey> keys) override {
    service_->keys = std::move(keys);
    service_->had_keys = service_->had_keys || !service_->keys.empty();
  }

  Task<> drain(MonoTime deadline) override {
    service_->draining = true;
    co_await server_->drain(deadline);  // waiting callers still get their answers
    service_->loops->cancel();
    co_await service_->loops->join();
    const MonoTime end = std::max(deadline, service_->parts.clock.now()) + kTidyUp;
    service_->tasks->cancel();
    co_await service_->tasks->join(end);
    service_->tasks->spawn("leave", tidy_up(service_));
    co_await service_->tasks->join(end);
    stopped_ = true;
    stop_.cancel();
  }

 private:
  std::shared_ptr<Service> service_;
  std::unique_ptr<net::HttpServer> server_;
  asio::steady_timer stop_;
  bool stopped_ = false;
};

// The server's own refusals, in our form.
net::HttpResponse server_error(int status, std::string sentence) {
  std::string reason = "bad_request";
  if (status == 413) reason = "body_too_large";
  if (status == 503) reason = "no_room";
  const Error error{status >= 500 ? Code::kBusy : Code::kInvalidInput, std::move(sentence), std::move(reason)};
  net::HttpResponse response = error_response(error, "");
  response.status = status;
  return response;
}

}  // namespace

Result<std::unique_ptr<Gateway>> Gateway::open(const Executor& executor, Options options, Parts parts) {
  if (auto exposure = check_exposure(options); !exposure) return exposure.error();
  const Log log = parts.log;
  auto service = std::make_shared<Service>(executor, std::move(options), std::move(parts));
  net::ServerOptions server_options;
  server_options.host = service->options.listen_host;
  server_options.port = service->options.listen_port;
  server_options.error_response = server_error;
  // What a profile allows finds room beside others, however large it is.
  server_options.bodies_bytes_max = std::max(server_options.bodies_bytes_max, 2 * service->options.body_bytes_max);
  auto server = net::HttpServer::listen(
      executor, std::move(server_options),
      [service](const net::HttpRequest& request) { return admit(*service, request); },
      [service](net::HttpRequest& request) { return serve(service, request); }, log);
  if (!server) return server.error();
  return std::make_unique<HttpGateway>(std::move(service), std::move(*server));
}

}  // namespace facefleet::gateway
