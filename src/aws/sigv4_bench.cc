// What a signature costs, on both sides. The bodies are a job (600 bytes) and a photo (20 kB).
#include <benchmark/benchmark.h>

#include <string>

#include "aws/sigv4.h"

namespace facefleet::aws {
namespace {

constexpr std::int64_t kWallMs = 1'767'225'600'000;
const Credentials kCredentials{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""};

net::HttpRequest send_message_request() {
  net::HttpRequest request;
  request.method = "POST";
  request.headers.add("Host", "127.0.0.1:9324");
  request.headers.add("User-Agent", "facefleet");
  request.headers.add("Content-Type", "application/x-amz-json-1.0");
  request.headers.add("X-Amz-Target", "AmazonSQS.SendMessage");
  request.body.assign(600, 'x');
  return request;
}

net::HttpRequest put_request() {
  net::HttpRequest request;
  request.method = "PUT";
  request.target = "/photos/01J8Z0000000000000000000ZZ/photo%20of%20me.jpg";
  request.headers.add("Host", "127.0.0.1:9324");
  request.headers.add("Content-Type", "image/jpeg");
  request.body.assign(20'000, 'x');
  return request;
}

std::optional<std::string> secret_of(std::string_view) { return kCredentials.secret_access_key; }

void sign_send_message(benchmark::State& state) {
  SigningKeys keys;
  net::HttpRequest request = send_message_request();
  for (auto _ : state) sign(request, kCredentials, {"us-east-1", "sqs"}, kWallMs, std::nullopt, &keys);
}
BENCHMARK(sign_send_message);

void sign_send_message_without_remembered_key(benchmark::State& state) {
  net::HttpRequest request = send_message_request();
  for (auto _ : state) sign(request, kCredentials, {"us-east-1", "sqs"}, kWallMs);
}
BENCHMARK(sign_send_message_without_remembered_key);

void verify_send_message(benchmark::State& state) {
  SigningKeys keys;
  net::HttpRequest request = send_message_request();
  sign(request, kCredentials, {"us-east-1", "sqs"}, kWallMs, std::nullopt, &keys);
  for (auto _ : state) {
    const auto verified = verify(request, secret_of, kWallMs, &keys);
    if (!verified) state.SkipWithError(verified.error().message.c_str());
  }
}
BENCHMARK(verify_send_message);

void sign_put(benchmark::State& state) {
  SigningKeys keys;
  net::HttpRequest request = put_request();
  const bool hashed = state.range(0) != 0;
  for (auto _ : state) {
    std::optional<std::string> payload;
    if (!hashed) payload = kUnsignedPayload;
    sign(request, kCredentials, {"us-east-1", "s3"}, kWallMs, std::move(payload), &keys);
  }
}
BENCHMARK(sign_put)->ArgName("hashed")->Arg(0)->Arg(1);

}  // namespace
}  // namespace facefleet::aws
