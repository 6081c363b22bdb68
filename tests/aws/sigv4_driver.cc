// Signs and verifies what standard input asks for, one JSON object a line, and answers each with one line:
//   {"op": "sign", "request": R, "keys": K, "region": …, "service": …, "wall_ms": …}  ->  the Authorization header
//   {"op": "verify", "request": R, "keys": K, "wall_ms": …}  ->  "ok", or the reason of the refusal
// where R is {"method", "target", "headers": [[name, value], …], "body": hexadecimal} and K is {"id", "secret",
// "token"}.
#include <boost/json.hpp>
#include <iostream>
#include <string>

#include "aws/sigv4.h"

namespace {

namespace json = boost::json;
using facefleet::aws::Credentials;

std::string text(const json::value& object, std::string_view name) {
  return json::value_to<std::string>(object.at(name));
}

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}

facefleet::net::HttpRequest read_request(const json::value& from) {
  facefleet::net::HttpRequest request;
  request.method = text(from, "method");
  request.target = text(from, "target");
  for (const json::value& field : from.at("headers").as_array())
    request.headers.add(json::value_to<std::string>(field.at(0)), json::value_to<std::string>(field.at(1)));
  request.body = from_hex(text(from, "body"));
  return request;
}

std::string answer(const json::value& question, facefleet::aws::SigningKeys& keys) {
  auto request = read_request(question.at("request"));
  const json::value& key = question.at("keys");
  const Credentials credentials{text(key, "id"), text(key, "secret"), text(key, "token")};
  const auto wall_ms = question.at("wall_ms").to_number<std::int64_t>();
  if (text(question, "op") == "sign") {
    sign(request, credentials, {text(question, "region"), text(question, "service")}, wall_ms, std::nullopt, &keys);
    return std::string(*request.headers.get("authorization"));
  }
  const auto secret_of = [&credentials](std::string_view id) -> std::optional<std::string> {
    if (id != credentials.access_key_id) return std::nullopt;
    return credentials.secret_access_key;
  };
  const auto verified = verify(request, secret_of, wall_ms, &keys);
  return verified ? "ok" : verified.error().reason;
}

}  // namespace

int main() {
  facefleet::aws::SigningKeys keys;
  for (std::string line; std::getline(std::cin, line);) std::cout << answer(json::parse(line), keys) << '\n';
}
