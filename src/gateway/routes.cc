#include "gateway/routes.h"

#include <algorithm>
#include <array>

namespace facefleet::gateway {

Task<Result<net::HttpResponse>> get_asset(Call& call);
Task<Result<net::HttpResponse>> post_root(Call& call);
Task<Result<net::HttpResponse>> post_recognise(Call& call);
Task<Result<net::HttpResponse>> post_classify(Call& call);
Task<Result<net::HttpResponse>> get_job(Call& call);
Task<Result<net::HttpResponse>> list_galleries(Call& call);
Task<Result<net::HttpResponse>> delete_gallery(Call& call);
Task<Result<net::HttpResponse>> list_persons(Call& call);
Task<Result<net::HttpResponse>> post_person_photos(Call& call);
Task<Result<net::HttpResponse>> export_person(Call& call);
Task<Result<net::HttpResponse>> delete_person(Call& call);
Task<Result<net::HttpResponse>> get_models(Call& call);
Task<Result<net::HttpResponse>> get_status(Call& call);
Task<Result<net::HttpResponse>> post_purge(Call& call);
Task<Result<net::HttpResponse>> get_healthz(Call& call);
Task<Result<net::HttpResponse>> get_readyz(Call& call);
Task<Result<net::HttpResponse>> get_metrics(Call& call);

namespace {

// clang-format off
constexpr std::array kRoutes{
    Route{"POST", "/", Scope::kRecognise, Body::kPhotos, post_root, "who or what is in each photo, as text or JSON"},
    Route{"POST", "/v1/recognise", Scope::kRecognise, Body::kPhotos, post_recognise, "every face of a photo, with box, landmarks and matches"},
    Route{"POST", "/v1/classify", Scope::kRecognise, Body::kPhotos, post_classify, "what is in a picture, the likeliest classes with their scores"},
    Route{"GET", "/v1/jobs/{id}", Scope::kRecognise, Body::kSmall, get_job, "a job's outcome, or that it is queued"},
    Route{"GET", "/v1/galleries", Scope::kRead, Body::kSmall, list_galleries, "the galleries"},
    Route{"DELETE", "/v1/galleries/{g}", Scope::kManage, Body::kSmall, delete_gallery, "deletes a gallery and all outcomes that name its persons"},
    Route{"GET", "/v1/galleries/{g}/persons", Scope::kRead, Body::kSmall, list_persons, "the persons of a gallery"},
    Route{"POST", "/v1/galleries/{g}/persons/{p}/photos", Scope::kManage, Body::kPhotos, post_person_photos, "enrols photos of a person"},
    Route{"GET", "/v1/galleries/{g}/persons/{p}/export", Scope::kManage, Body::kSmall, export_person, "a person's templates: source, digest, embedding, face"},
    Route{"DELETE", "/v1/galleries/{g}/persons/{p}", Scope::kManage, Body::kSmall, delete_person, "deletes a person and all outcomes that name it"},
    Route{"GET", "/v1/models", Scope::kRead, Body::kSmall, get_models, "the models, their versions and licences"},
    Route{"GET", "/v1/status", Scope::kRead, Body::kSmall, get_status, "queues, workers, throughput"},
    Route{"POST", "/v1/admin/purge", Scope::kManage, Body::kSmall, post_purge, "empties both queues and the buckets of photos and outcomes"},
    Route{"GET", "/healthz", Scope::kNone, Body::kSmall, get_healthz, "whether the gateway runs"},
    Route{"GET", "/readyz", Scope::kNone, Body::kSmall, get_readyz, "whether a worker has recognised the bundled picture"},
    Route{"GET", "/metrics", Scope::kRead, Body::kSmall, get_metrics, "Prometheus metrics"},
    Route{"GET", "/", Scope::kNone, Body::kSmall, get_asset, "the page"},
    Route{"GET", "/ui/{file}", Scope::kNone, Body::kSmall, get_asset, "the page's style sheet and script"},
};
// clang-format on

// Whether `path` has the form of `pattern`; captures what its {…} stand for.
bool matches(std::string_view pattern, std::string_view path, std::vector<std::string>& captures) {
  captures.clear();
  for (;;) {
    const std::size_t pattern_end = std::min(pattern.find('/', 1), pattern.size());
    const std::size_t path_end = std::min(path.find('/', 1), path.size());
    const std::string_view expected = pattern.substr(0, pattern_end);
    const std::string_view segment = path.substr(0, path_end);
    if (expected.starts_with("/{")) {
      if (segment.size() < 2) return false;
      captures.push_back(net::percent_decode(segment.substr(1)));
    } else if (expected != segment) {
      return false;
    }
    pattern.remove_prefix(pattern_end);
    path.remove_prefix(path_end);
    if (pattern.empty() || path.empty()) return pattern.empty() && path.empty();
  }
}

bool is_posted_form(const net::HttpRequest& request) {
  const auto type = request.headers.get("content-type");
  constexpr std::string_view kForm = "multipart/form-data";
  return request.method == "POST" && type && net::equal_ignoring_case(type->substr(0, kForm.size()), kForm);
}

}  // namespace

std::string_view Call::parameter(std::string_view name) const {
  std::string_view value;
  for (const auto& [key, text] : query)
    if (key == name) value = text;
  return value;
}

std::string_view to_string(Scope scope) {
  switch (scope) {
    case Scope::kNone: return "";
    case Scope::kRead: return "read";
    case Scope::kRecognise: return "recognise";
    case Scope::kManage: return "manage";
  }
  return "";
}

std::span<const Route> routes() { return kRoutes; }

Found find_route(const net::HttpRequest& request) {
  const std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
  const std::string_view path = request.path();
  Found found;
  for (const Route& route : kRoutes) {
    if (!matches(route.path, path, found.captures)) continue;
    if (route.method == method) {
      found.route = &route;
      return found;
    }
    found.allow += (found.allow.empty() ? "" : ", ") + std::string(route.method);
  }
  if (found.allow.empty() && is_posted_form(request) && !path.starts_with("/v1/")) {
    found.captures.clear();
    found.route = std::ranges::find_if(kRoutes, [](const Route& route) { return route.endpoint == post_root; });
    return found;
  }
  found.error =
      found.allow.empty()
          ? Error{Code::kNotFound, "There is nothing at this path; docs/api.md lists what there is.", "no_such_path"}
          : Error{Code::kInvalidInput, "This path takes " + found.allow + ".", "method_not_allowed"};
  return found;
}

}  // namespace facefleet::gateway
