#include "tools/api_client.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/hash.h"

namespace facefleet::tools {
namespace {

namespace json = boost::json;

constexpr Millis kTimeout{330'000};  // longer than any answer that a gateway waits for itself
constexpr Millis kCheckTimeout{10'000};
constexpr std::size_t kTries = 8;
constexpr Millis kFirstPause{250};
constexpr Millis kLongestPause{8'000};
constexpr std::uint64_t kAnswerBytes = 1ull << 30;  // an export of one person

Code code_of(int status) {
  switch (status) {
    case 401:
    case 403: return Code::kDenied;
    case 404: return Code::kNotFound;
    case 409: return Code::kConflict;
    case 429: return Code::kBusy;
    case 502:
    case 503: return Code::kUnavailable;
    case 504: return Code::kTimedOut;
    default: return status < 500 ? Code::kInvalidInput : Code::kInternal;
  }
}

std::string member_or(const json::object& object, std::string_view name, std::string otherwise) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::move(otherwise);
}

Error error_of(const net::HttpResponse& response) {
  Error error{code_of(response.status), "the system answered " + std::to_string(response.status), ""};
  boost::system::error_code failed;
  const json::value body = json::parse(response.body, failed);
  const json::value* envelope = failed || !body.is_object() ? nullptr : body.get_object().if_contains("error");
  if (envelope == nullptr || !envelope->is_object()) return error;
  error.message = member_or(envelope->get_object(), "message", error.message);
  error.reason = member_or(envelope->get_object(), "reason", "");
  return error;
}

Result<json::object> object_of(const net::HttpResponse& response) {
  if (response.status >= 400) return error_of(response);
  boost::system::error_code failed;
  json::value body = json::parse(response.body, failed);
  if (failed || !body.is_object())
    return Error{Code::kInternal, "the system's answer is not a JSON object: is it a facefleet?", "bad_answer"};
  return std::move(body.get_object());
}

// A boundary that the photo cannot hold by chance: it is made of the photo's own digest.
net::HttpRequest form_of(std::string target, const std::string& name, const Bytes& photo) {
  const std::string boundary = "facefleet-" + hex(sha256(photo)).substr(0, 32);
  std::string quoted;
  for (const char c : name) {  // as browsers write it: HTML, "multipart/form-data", 4.10.22.8
    if (c == '"') quoted += "%22";
    if (c == '\r') quoted += "%0D";
    if (c == '\n') quoted += "%0A";
    if (c != '"' && c != '\r' && c != '\n') quoted += c;
  }
  net::HttpRequest request;
  request.method = "POST";
  request.target = std::move(target);
  request.headers.set("Content-Type", "multipart/form-data; boundary=" + boundary);
  const std::string head = "--" + boundary + "\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"" +
                           quoted + "\"\r\nContent-Type: application/octet-stream\r\n\r\n";
  const std::string tail = "\r\n--" + boundary + "--\r\n";
  request.body.reserve(head.size() + photo.size() + tail.size());
  request.body.append(head).append(photo).append(tail);
  return request;
}

// How long to wait before another try, if it is worth one.
std::optional<Millis> pause_after(const Result<net::HttpResponse>& response, std::size_t tries) {
  const Millis backoff = std::min(kLongestPause, kFirstPause * (1 << tries));
  if (!response) return response.error().code == Code::kUnavailable ? std::optional(backoff) : std::nullopt;
  if (response->status != 429 && response->status != 503) return std::nullopt;
  const std::string_view text = response->headers.get("retry-after").value_or("");
  int seconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  return std::clamp<Millis>(std::chrono::seconds(seconds), backoff, Millis(60'000));
}

Error bad_answer(std::string_view name) {
  return {Code::kInternal, "the system's answer has no \"" + std::string(name) + "\": is it a facefleet?",
          "bad_answer"};
}

}  // namespace

Result<std::unique_ptr<ApiClient>> ApiClient::open(const Executor& executor, const std::string& url, std::string key) {
  const auto parsed = net::parse_url(url);
  if (!parsed) return parsed.error();
  net::ClientOptions options = net::options_for(*parsed);
  options.body_bytes_max = kAnswerBytes;
  return std::unique_ptr<ApiClient>(
      new ApiClient(url, std::move(key), net::HttpClient::open(executor, std::move(options))));
}

Task<Result<net::HttpResponse>> ApiClient::send(net::HttpRequest request) {
  request.headers.set("Accept", "application/json");
  if (!key_.empty()) request.headers.set("X-API-Key", key_);
  co_return co_await client_->send(std::move(request), kTimeout);
}

Task<Result<void>> ApiClient::check() {
  net::HttpRequest request;
  request.target = "/healthz";
  auto response = co_await client_->send(std::move(request), kCheckTimeout);
  if (response && response->status == 200) co_return Result<void>{};
  std::string why = response ? "it answered " + std::to_string(response->status) : response.error().message;
  co_return Error{Code::kUnavailable,
                  "no system answers at " + url_ + " (" + why +
                      "); start one with `facefleet up`, name another with --url, or use --data DIR for one that is "
                      "down",
                  "no_system"};
}

Task<Result<json::object>> ApiClient::call(std::string method, std::string target) {
  net::HttpRequest request;
  request.method = std::move(method);
  request.target = std::move(target);
  auto response = co_await send(std::move(request));
  if (!response) co_return response.error();
  co_return object_of(*response);
}

Task<Result<json::object>> ApiClient::post_photo(std::string target, std::string name, Bytes photo) {
  const net::HttpRequest request = form_of(std::move(target), name, photo);
  for (std::size_t tries = 0;; ++tries) {
    net::HttpRequest copy = request;
    auto response = co_await send(std::move(copy));
    const std::optional<Millis> pause = pause_after(response, tries);
    if (pause && tries + 1 < kTries) {
      co_await sleep_for(*pause);
      continue;
    }
    if (!response) co_return response.error();
    co_return object_of(*response);
  }
}

std::string gallery_target(std::string_view gallery) { return "/v1/galleries/" + net::percent_encode(gallery); }

std::string person_target(std::string_view gallery, std::string_view person) {
  return gallery_target(gallery) + "/persons/" + net::percent_encode(person);
}

Result<std::string> text_member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return bad_answer(name);
  return std::string(value->get_string());
}

Result<double> number_member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  boost::system::error_code failed;
  const double number = value == nullptr ? 0 : value->to_number<double>(failed);
  if (value == nullptr || failed) return bad_answer(name);
  return number;
}

Result<json::array> array_member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_array()) return bad_answer(name);
  return value->get_array();
}

}  // namespace facefleet::tools
