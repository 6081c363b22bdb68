#include "localcloud/s3/s3_door.h"

#include "localcloud/s3/actions.h"

namespace facefleet::localcloud::s3 {
namespace {

constexpr std::string_view kVirtualHost = ".localhost";

// Bucket and key, decoded. The key is all that follows, slashes included: `/b//a` is the key `/a`.
Call read_call(Service& service, net::HttpRequest& request, std::string payload) {
  Call call{service, request, {}, {}, net::parse_form(request.query()), std::move(payload)};
  std::string_view path = request.path();
  if (path.starts_with('/')) path.remove_prefix(1);
  call.bucket = bucket_of_host(request);
  if (call.bucket.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    call.bucket = net::percent_decode(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  call.key = net::percent_decode(path);
  return call;
}

}  // namespace

std::string_view bucket_of_host(const net::HttpRequest& request) {
  std::string_view host = request.headers.get("host").value_or("");
  host = host.substr(0, host.find(':'));
  return host.ends_with(kVirtualHost) ? host.substr(0, host.size() - kVirtualHost.size()) : std::string_view();
}

Task<net::HttpResponse> serve(Service& service, net::HttpRequest& request, std::string payload,
                              std::string_view request_id) {
  Call call = read_call(service, request, std::move(payload));
  const auto action = find_action(call);
  Result<net::HttpResponse> response = action ? Result<net::HttpResponse>(net::HttpResponse{}) : action.error();
  if (action) response = co_await (*action)->perform(call);
  if (response) co_return std::move(*response);
  co_return aws::error_answer({aws::Protocol::kS3, kNamespace, request_id}, response.error(), request.path());
}

}  // namespace facefleet::localcloud::s3
