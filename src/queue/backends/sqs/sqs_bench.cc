// CPU of one send over loopback, client and server in one thread: writing, signing, HTTP both ways, verifying, reading.
// The server does nothing but verify, so what is left over the door's own work is this adapter's.
#include <benchmark/benchmark.h>

#include "aws/client.h"
#include "base/testing.h"
#include "net/http_server.h"
#include "queue/backends/sqs/sqs_queue.h"

namespace facefleet::queue {
namespace {

const aws::Credentials kCredentials{"AKIDEXAMPLE", "secret", ""};

// Answers every GetQueueUrl and SendMessage as SQS would.
class Answerer {
 public:
  explicit Answerer(asio::io_context& context)
      : server_(net::HttpServer::listen(
                    context.get_executor(), {},
                    [](const net::HttpRequest&) {
                      return net::Admission{1u << 20, std::nullopt};
                    },
                    [this](net::HttpRequest& request) { return handle(request); }, Log::silent())
                    .value()) {}

  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }

 private:
  Task<net::HttpResponse> handle(net::HttpRequest& request) {
    const auto secret_of = [](std::string_view) { return std::optional(kCredentials.secret_access_key); };
    if (!aws::verify(request, secret_of, clock_.wall_ms(), &keys_)) co_return net::HttpResponse::json(403, "{}");
    if (request.headers.get("x-amz-target") == "AmazonSQS.GetQueueUrl")
      co_return net::HttpResponse::json(200, R"({"QueueUrl":"http://127.0.0.1:9324/000000000000/requests"})");
    co_return net::HttpResponse::json(
        200,
        R"({"MessageId":"219f8380-5770-4cc2-8c3e-5c715e145f5e","MD5OfMessageBody":"fafb00f5732ab283681e124bf8747ed1"})");
  }

  SystemClock clock_;
  aws::SigningKeys keys_;
  std::unique_ptr<net::HttpServer> server_;
};

Task<> send_many(Queue& queue, benchmark::State& state) {
  const std::string body(600, 'x');
  for (auto _ : state) {
    Outgoing message{body, Millis{0}};
    const auto sent = co_await queue.send(std::move(message));
    if (!sent) {
      state.SkipWithError(sent.error().message.c_str());
      break;
    }
  }
}

void send_one(benchmark::State& state) {
  asio::io_context context;
  SystemClock clock;
  SystemRandom random;
  Answerer answerer(context);
  aws::Endpoint endpoint;
  endpoint.url = answerer.url();
  endpoint.credentials = aws::SharedCredentials::fixed(kCredentials);
  const auto client = aws::Client::open(context.get_executor(), endpoint, "sqs", clock, random).value();
  const auto queues = open_sqs_queues(*client);
  const auto queue = run_task(context, queues->open("requests")).value();
  run_task(context, send_many(*queue, state));
}
BENCHMARK(send_one);

}  // namespace
}  // namespace facefleet::queue
