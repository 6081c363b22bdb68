// GET / and GET /ui/{file}: the page.
#include "gateway/assets.h"
#include "gateway/routes.h"

namespace facefleet::gateway {
namespace {

std::string_view content_type(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  return "application/octet-stream";
}

// Nothing from elsewhere runs on the page, and the page runs nowhere else.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

}  // namespace

Task<Result<net::HttpResponse>> get_asset(Call& call) {
  const Asset* asset = find_asset(call.captures.empty() ? "index.html" : std::string_view(call.captures.front()));
  if (!asset) co_return Error{Code::kNotFound, "The page has no such file.", "no_such_path"};
  net::HttpResponse response;
  response.body = Bytes(asset->bytes);
  response.headers.set("Content-Type", std::string(content_type(asset->name)));
  response.headers.set("Cache-Control", "no-cache");
  response.headers.set("Content-Security-Policy", std::string(kPolicy));
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.headers.set("Referrer-Policy", "no-referrer");
  co_return response;
}

}  // namespace facefleet::gateway
