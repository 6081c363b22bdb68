// What a request over loopback costs on either side, and a photo's multipart body.
//
// Server and client each have a thread of their own, so that the CPU time of each is known;
// `server_us` and `client_us` are microseconds of it (user and system) a request.
#include <benchmark/benchmark.h>
#include <time.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <thread>

#include "base/ids.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/multipart.h"

namespace facefleet::net {
namespace {

double thread_cpu_seconds() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

Task<HttpResponse> echo(HttpRequest& request) {
  HttpResponse response;
  response.headers.add("Content-Type", "application/octet-stream");
  response.body = std::move(request.body);
  co_return response;
}

// The same for a handler that has to wait, as those of the gateway and the doors do.
Task<HttpResponse> echo_later(HttpRequest& request) {
  co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
  co_return co_await echo(request);
}

// An echo server on a thread of its own.
class EchoServer {
 public:
  explicit EchoServer(Handler handler) {
    Admit admit = [](const HttpRequest&) { return Admission{.body_bytes_max = 1 << 20, .refusal = {}}; };
    server_ = HttpServer::listen(context_.get_executor(), {}, admit, std::move(handler), Log::silent()).value();
    thread_ = std::thread([this] {
      const double before = thread_cpu_seconds();
      context_.run();
      cpu_seconds_ = thread_cpu_seconds() - before;
    });
  }

  std::uint16_t port() const { return server_->port(); }

  // Ends the server; returns the CPU time that it has taken.
  double stop() {
    context_.stop();
    thread_.join();
    return cpu_seconds_;
  }

 private:
  asio::io_context context_{1};
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
  double cpu_seconds_ = 0;
};

Task<> send_many(HttpClient& client, const Bytes& body, std::int64_t& left) {
  while (left > 0) {
    --left;
    HttpRequest request;
    request.method = "POST";
    request.target = "/v1/echo";
    request.headers.add("Content-Type", "application/octet-stream");
    request.headers.add("Authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request");
    request.body = body;
    const auto response = co_await client.send(std::move(request), Millis(10'000));
    if (!response || response->body.size() != body.size()) std::abort();
  }
}

void run_echo(benchmark::State& state, Handler handler) {
  const Bytes body(static_cast<std::size_t>(state.range(0)), 'x');
  EchoServer server(std::move(handler));
  asio::io_context context{1};
  ClientOptions options;
  options.port = server.port();
  const auto client = HttpClient::open(context.get_executor(), std::move(options));
  constexpr std::int64_t kBatch = 2'000;
  std::int64_t requests = 0;
  const double before = thread_cpu_seconds();
  for (auto _ : state) {
    std::int64_t left = kBatch;
    std::int64_t running = state.range(1);
    for (std::int64_t i = 0; i < state.range(1); ++i)
      asio::co_spawn(context, send_many(*client, body, left), [&](const std::exception_ptr&) { --running; });
    while (running > 0) context.run_one();
    requests += kBatch;
  }
  const double client_seconds = thread_cpu_seconds() - before;
  const double server_seconds = server.stop();
  state.SetItemsProcessed(requests);
  state.counters["server_us"] = server_seconds * 1e6 / static_cast<double>(requests);
  state.counters["client_us"] = client_seconds * 1e6 / static_cast<double>(requests);
}

void BM_Echo(benchmark::State& state) { run_echo(state, echo); }
void BM_EchoLater(benchmark::State& state) { run_echo(state, echo_later); }

BENCHMARK(BM_Echo)->ArgNames({"bytes", "connections"})->ArgsProduct({{0, 1'024, 20'480}, {1, 32}})->UseRealTime();
BENCHMARK(BM_EchoLater)->ArgNames({"bytes", "connections"})->ArgsProduct({{1'024}, {1, 32}})->UseRealTime();

void BM_MultipartPhoto(benchmark::State& state) {
  Bytes photo(20'480, '\0');
  SeededRandom random(1);
  for (char& c : photo) c = static_cast<char>(random.next());
  const Bytes body =
      "--0123456789abcdef0123456789abcdef\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\n"
      "Content-Type: image/jpeg\r\n\r\n" +
      photo + "\r\n--0123456789abcdef0123456789abcdef--\r\n";
  for (auto _ : state) {
    auto parts = parse_multipart("multipart/form-data; boundary=0123456789abcdef0123456789abcdef", body, 16);
    if (!parts || parts->size() != 1) state.SkipWithError("not parsed");
    benchmark::DoNotOptimize(parts);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
}
BENCHMARK(BM_MultipartPhoto);

}  // namespace
}  // namespace facefleet::net
