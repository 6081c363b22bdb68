// Speaks to a running system's HTTP API. Thread rule: base/task.h.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/task.h"
#include "net/http_client.h"

namespace facefleet::tools {

class ApiClient {
 public:
  // `url`: scheme, host and port; `key`: an API key, or empty. kInvalidInput if the URL cannot be used.
  static Result<std::unique_ptr<ApiClient>> open(const Executor& executor, const std::string& url, std::string key);

  // kUnavailable, with a sentence that says what to do, unless something answers at once.
  Task<Result<void>> check();

  // Sends a request without a body, and waits. Answers of 400 and more are errors: with the code, sentence and reason
  // of the API's envelope where there is one.
  Task<Result<boost::json::object>> call(std::string method, std::string target);

  // Posts a photo under its file name. Tries again, for about half a minute, while the system is busy or restarting;
  // `target` must be one that may be asked twice. Errors as in call().
  Task<Result<boost::json::object>> post_photo(std::string target, std::string name, Bytes photo);

 private:
  ApiClient(std::string url, std::string key, std::unique_ptr<net::HttpClient> client)
      : url_(std::move(url)), key_(std::move(key)), client_(std::move(client)) {}
  Task<Result<net::HttpResponse>> send(net::HttpRequest request);

  std::string url_, key_;
  std::unique_ptr<net::HttpClient> client_;
};

// `/v1/galleries/<gallery>`, `…/persons/<person>`, with names percent-encoded.
std::string gallery_target(std::string_view gallery);
std::string person_target(std::string_view gallery, std::string_view person);

// The members of a JSON object, or kInternal if it has no such one: the far side is not a facefleet of this version.
Result<std::string> text_member(const boost::json::object& object, std::string_view name);
Result<double> number_member(const boost::json::object& object, std::string_view name);
Result<boost::json::array> array_member(const boost::json::object& object, std::string_view name);

}  // namespace facefleet::tools
