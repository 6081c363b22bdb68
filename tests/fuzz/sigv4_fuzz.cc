// Input: a method, a target, header fields as `name:value`, a line each; an empty line; a body. What is checked beside
// crashes: a stranger's request is refused with a reason; whatever the request, signing makes it one that verifies; and
// then not with another body.
#include <algorithm>
#include <cctype>
#include <cstdint>
#include <string>

#include "aws/sigv4.h"
#include "check.h"

namespace {

using facefleet::aws::Credentials;
using facefleet::aws::verify;
using facefleet::fuzz::check;
using facefleet::net::HttpRequest;

constexpr std::int64_t kWallMs = 1'440'938'160'000;  // 2015-08-30T12:36:00Z
const Credentials kCredentials{"AKIDEXAMPLE", "a secret that no input holds", "token"};

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest = rest.substr(std::min(end + 1, rest.size()));
  return line;
}

// The characters of a header's name (RFC 9110, 5.6.2); a server lets no other pass.
bool is_token(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

HttpRequest read_request(std::string_view rest) {
  HttpRequest request;
  request.method = take_line(rest);
  request.target = take_line(rest);
  for (std::string_view line = take_line(rest); !line.empty(); line = take_line(rest)) {
    const std::size_t colon = std::min(line.find(':'), line.size());
    if (is_token(line.substr(0, colon)))
      request.headers.add(std::string(line.substr(0, colon)),
                          std::string(line.substr(std::min(colon + 1, line.size()))));
  }
  request.body = rest;
  return request;
}

std::optional<std::string> secret_of(std::string_view id) {
  if (id != kCredentials.access_key_id) return std::nullopt;
  return kCredentials.secret_access_key;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const HttpRequest request = read_request({reinterpret_cast<const char*>(data), size});
  const auto stranger = verify(request, secret_of, kWallMs);
  check(!stranger, "a stranger is refused");
  check(!stranger.error().message.empty() && !stranger.error().reason.empty(), "a refusal says what and why");
#ifdef FACEFLEET_FUZZ_CANARY
  check(!stranger.error().message.starts_with("There were headers present"), "planted bug");
#endif

  facefleet::aws::SigningKeys keys;
  for (const char* service : {"s3", "sqs"}) {
    HttpRequest ours = request;
    ours.headers.set("Host", "127.0.0.1:9324");
    sign(ours, kCredentials, {"us-east-1", service}, kWallMs, std::nullopt, &keys);
    check(verify(ours, secret_of, kWallMs, &keys).has_value(), "what was signed verifies");
    ours.body += "x";
    check(!verify(ours, secret_of, kWallMs, &keys), "another body does not");
  }
  return 0;
}
