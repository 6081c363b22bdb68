#include "gateway/admission.h"

#include <algorithm>
#include <cmath>

#include "base/hash.h"
#include "base/limits.h"

namespace facefleet::gateway {
namespace {

constexpr double kRetryAfterMaxS = 60;

// `name`, `name:port`, `[::1]:port` without the port, in lower case.
std::string host_name(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  const std::size_t bracket = host.rfind(']');
  const bool has_port = colon != std::string_view::npos && (bracket == std::string_view::npos || bracket < colon);
  std::string name(has_port ? host.substr(0, colon) : host);
  std::ranges::transform(name, name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  return name;
}

// A page of another site that resolves its own name to this machine (DNS rebinding) shows by its Host.
Result<void> check_host(const Options& options, const net::HttpRequest& request) {
  const auto header = request.headers.get("host");
  const std::string host = host_name(header.value_or(""));
  const bool any = options.hosts_allowed.empty() && !net::is_loopback(options.listen_host);
  if (any || host == "localhost" || host == "127.0.0.1" || host == "::1" || host == host_name(options.listen_host))
    return {};
  for (const std::string& allowed : options.hosts_allowed)
    if (host == host_name(allowed)) return {};
  return Error{Code::kDenied, "This host name is not served here; list it under gateway.hosts in the profile.",
               "host_not_allowed"};
}

// A browser says which site's page is asking; only our own may.
Result<void> check_origin(const net::HttpRequest& request) {
  const auto origin = request.headers.get("origin");
  if (!origin) return {};
  const auto host = request.headers.get("host");
  const std::size_t scheme = origin->find("://");
  if (host && scheme != std::string_view::npos && net::equal_ignoring_case(origin->substr(scheme + 3), *host))
    return {};
  return Error{Code::kDenied, "Pages of other sites may not use this service from a browser.", "origin_not_allowed"};
}

// Load balancers ask by address, and what they learn is no secret.
bool is_probe(const Route* route) { return route && (route->path == "/healthz" || route->path == "/readyz"); }

bool needs_key(const Service& service) { return !service.options.open && service.had_keys; }

Result<void> check_key(const Service& service, const net::HttpRequest& request, Scope scope) {
  if (scope == Scope::kNone || !needs_key(service)) return {};
  const bool carries_one = request.headers.get("authorization") || request.headers.get("x-api-key");
  if (!carries_one)
    return Error{Code::kDenied, "An API key is needed; send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`.",
                 "no_key"};
  const ApiKey* key = find_key(service, request);
  if (!key) return Error{Code::kDenied, "This API key is not known here.", "unknown_key"};
  if (std::ranges::find(key->scopes, to_string(scope)) != key->scopes.end()) return {};
  return Error{Code::kDenied, "This API key lacks the scope `" + std::string(to_string(scope)) + "`.", "missing_scope"};
}

struct Overload {
  Error error;
  int retry_after_s = 1;
};

// From an estimate that is at most a moment old: admission itself asks nobody.
std::optional<Overload> check_load(Service& service) {
  const auto backlog = service.backlog->peek();
  const std::uint64_t queued = backlog ? backlog->visible + backlog->in_flight + backlog->delayed : 0;
  const std::uint64_t jobs = std::max<std::uint64_t>(queued, service.pending.size());
  const double workers = std::max<double>(service.parts.fleet.cap(), 1);
  const double wait_ms = static_cast<double>(jobs) * service.meter.service_ms() / workers;
  const double wait_max_ms = static_cast<double>(service.options.wait_max.count());
  if (jobs < service.options.queue_length_max && wait_ms <= wait_max_ms) return std::nullopt;
  const double over_s = std::ceil((wait_ms - wait_max_ms) / 1'000);
  return Overload{{Code::kBusy, "More photos are waiting than can be answered in time; try again later.", "overloaded"},
                  static_cast<int>(std::clamp(over_s, 1.0, kRetryAfterMaxS))};
}

}  // namespace

Result<void> check_exposure(const Options& options) {
  if (net::is_loopback(options.listen_host) || options.open || !options.keys.empty()) return {};
  return Error{
      Code::kInvalidInput,
      "listening on " + options.listen_host +
          " would let every machine of the network in without a key; make one with `facefleet key add NAME`, or "
          "let everybody in with --open",
      "exposed"};
}

const ApiKey* find_key(const Service& service, const net::HttpRequest& request) {
  constexpr std::string_view kBearer = "Bearer ";
  std::string_view text = request.headers.get("x-api-key").value_or("");
  if (const auto bearer = request.headers.get("authorization"))
    if (net::equal_ignoring_case(bearer->substr(0, kBearer.size()), kBearer)) text = bearer->substr(kBearer.size());
  if (text.empty()) return nullptr;
  const std::string digest = hex(sha256(text));
  const ApiKey* found = nullptr;
  for (const ApiKey& key : service.keys)  // all of them, so that time tells nothing of which it was
    if (equal_constant_time(key.sha256_hex, digest)) found = &key;
  return found;
}

Form error_form(const Service& service, const net::HttpRequest& request, const Route* route) {
  const bool is_root = route && route->method == "POST" && route->path == "/";
  return is_root ? form_of(service.options.reply_form, request.headers.get("accept")) : Form::kJson;
}

net::Admission admit(Service& service, const net::HttpRequest& request) {
  const Found found = find_route(request);
  net::Admission admission;
  const auto refuse = [&](const Error& error) {
    service.instruments.refused_request(error.reason);
    const std::string id = make_id(service.parts.clock.wall_ms(), service.parts.random);
    admission.refusal = error_response(error, id, error_form(service, request, found.route));
    admission.refusal->headers.set("X-Request-Id", id);
    return admission;
  };

  if (const auto host = check_host(service.options, request); !host && !is_probe(found.route))
    return refuse(host.error());
  if (const auto origin = check_origin(request); !origin) return refuse(origin.error());
  if (!found.route) {
    net::Admission refused = refuse(found.error);
    if (!found.allow.empty()) refused.refusal->headers.set("Allow", found.allow);
    return refused;
  }
  if (const auto key = check_key(service, request, found.route->scope); !key) {
    net::Admission refused = refuse(key.error());
    if (refused.refusal->status == 401) refused.refusal->headers.set("WWW-Authenticate", "Bearer");
    return refused;
  }
  admission.body_bytes_max =
      found.route->body == Body::kPhotos ? service.options.body_bytes_max : limits::kSmallBodyBytes;
  if (found.route->body == Body::kSmall) return admission;

  // Photos are refused before they are read, where they could not be answered.
  if (service.draining) {
    net::Admission refused =
        refuse({Code::kUnavailable, "The service is ending; try again in a moment.", "not_serving"});
    refused.refusal->headers.set("Retry-After", "1");
    return refused;
  }
  if (const auto overload = check_load(service)) {
    net::Admission refused = refuse(overload->error);
    refused.refusal->headers.set("Retry-After", std::to_string(overload->retry_after_s));
    return refused;
  }
  return admission;
}

}  // namespace facefleet::gateway
