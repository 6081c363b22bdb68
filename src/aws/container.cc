// A container's role: ECS and EKS run a service beside it that gives its keys, and say in its environment where.
#include <array>
#include <boost/asio/ip/address.hpp>

#include "aws/credential_ask.h"
#include "aws/credential_documents.h"
#include "aws/credential_sources.h"
#include "base/file.h"

namespace facefleet::aws {
namespace {

constexpr const char* kEcs = "http://169.254.170.2";
constexpr auto kHosts = std::to_array<std::string_view>({"169.254.170.2", "169.254.170.23", "fd00:ec2::23"});

// Where the keys are. Plain HTTP goes only to hosts that are this machine's own: the answer is a secret.
Result<std::string> find_url(const Environment& environment) {
  if (const std::string relative = environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); !relative.empty())
    return kEcs + relative;
  const std::string full = environment("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (full.empty()) return Error{Code::kNotFound, "AWS_CONTAINER_CREDENTIALS_FULL_URI is not set", ""};
  const auto url = net::parse_url(full);
  if (!url) return Error{Code::kInvalidInput, "AWS_CONTAINER_CREDENTIALS_FULL_URI: " + url.error().message, "bad_uri"};
  const bool own = net::is_loopback(url->host) || std::ranges::find(kHosts, url->host) != kHosts.end();
  if (url->tls || own) return full;
  return Error{Code::kInvalidInput,
               "AWS_CONTAINER_CREDENTIALS_FULL_URI names " + url->host +
                   " over http://, which would show the keys to the network: use https://, loopback or the "
                   "addresses of ECS and EKS.",
               "bad_uri"};
}

Result<std::string> find_token(const Environment& environment) {
  std::string token = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  if (const std::string file = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); !file.empty()) {
    auto text = read_file(file);
    if (!text)
      return Error{Code::kInvalidInput, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: " + text.error().message, "no_token"};
    token = std::move(*text);
  }
  token.erase(token.find_last_not_of(" \t\r\n") + 1);
  if (token.find_first_of("\r\n") != std::string::npos)
    return Error{Code::kInvalidInput, "The container's authorization token has more than one line.", "bad_token"};
  return token;
}

}  // namespace

Task<Result<Granted>> credentials_of_container(const Surroundings& around) {
  auto url = find_url(around.environment);
  if (!url) co_return url.error();
  auto token = find_token(around.environment);
  if (!token) co_return token.error();
  Ask question;
  question.url = *url;
  question.ca_file = around.ca_file;
  question.timeout = Millis(2'000);
  question.request.headers.set("Accept", "application/json");
  if (!token->empty()) question.request.headers.set("Authorization", std::move(*token));
  const auto answer = co_await ask(std::move(question), around.random);
  if (!answer) co_return answer.error();
  if (answer->status != 200)
    co_return Error{
        Code::kUnavailable,
        "The container's credentials at " + *url + " are refused with status " + std::to_string(answer->status) + ".",
        "bad_answer"};
  auto document = parse_credential_json(answer->body);
  if (!document) co_return document.error();
  co_return Granted{std::move(document->credentials), document->expires_ms, "the container's role"};
}

}  // namespace facefleet::aws
