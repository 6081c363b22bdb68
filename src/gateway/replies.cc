#include "gateway/replies.h"

#include <algorithm>
#include <array>
#include <utility>

namespace facefleet::gateway {
namespace {

struct StatusOfReason {
  std::string_view reason;
  int status;
};
constexpr std::array kStatusOfReason{
    StatusOfReason{"not_an_image", 415},
    StatusOfReason{"unsupported_format", 415},
    StatusOfReason{"too_many_pixels", 413},
    StatusOfReason{"photo_too_large", 413},
    StatusOfReason{"message_too_large", 413},
    StatusOfReason{"photo_missing", 410},
    StatusOfReason{"purged", 410},
    StatusOfReason{"no_key", 401},
    StatusOfReason{"unknown_key", 401},
    StatusOfReason{"method_not_allowed", 405},
    StatusOfReason{"model_mismatch", 409},
    StatusOfReason{"kind_not_served", 409},
    StatusOfReason{"idempotency_key_reused", 422},
    StatusOfReason{"truncated", 422},
    StatusOfReason{jobs::kPoison, 422},
    StatusOfReason{"not_recognised", 500},
    StatusOfReason{"no_face", 422},
    StatusOfReason{"face_too_small", 422},
};

struct FormName {
  std::string_view name;  // in a profile
  Form form;
};
constexpr std::array kForms{FormName{"text", Form::kText}, FormName{"file", Form::kFile},
                            FormName{"label", Form::kLabel}, FormName{"json_string", Form::kJsonString},
                            FormName{"json", Form::kJson}};

int status_of_code(Code code) {
  switch (code) {
    case Code::kInvalidInput: return 400;
    case Code::kNotFound: return 404;
    case Code::kConflict: return 409;
    case Code::kDenied: return 403;
    case Code::kBusy: return 429;
    case Code::kUnavailable: return 503;
    case Code::kTimedOut: return 504;
    case Code::kCorrupt:
    case Code::kInternal: return 500;
  }
  return 500;
}

void write_box(jobs::JsonWriter& out, std::string_view key, const jobs::Box& box, double width, double height,
               int decimals) {
  out.key(key).begin_object();
  out.key("x").rounded(box.x / width, decimals).key("y").rounded(box.y / height, decimals);
  out.key("width").rounded(box.width / width, decimals).key("height").rounded(box.height / height, decimals);
  out.end_object();
}

void write_face(jobs::JsonWriter& out, const jobs::Outcome& outcome, std::size_t index) {
  const jobs::Face& face = outcome.faces[index];
  out.begin_object();
  write_box(out, "box", face.box, 1, 1, 2);
  write_box(out, "box_normalised", face.box, std::max(outcome.width, 1), std::max(outcome.height, 1), 6);
  out.key("landmarks").begin_array();
  for (const jobs::Point& point : face.landmarks)
    out.begin_object().key("x").rounded(point.x, 2).key("y").rounded(point.y, 2).end_object();
  out.end_array().key("score").number(face.score).key("main").boolean(static_cast<int>(index) == outcome.main_face);
  out.key("label").text(face.label).key("matches").begin_array();
  for (const jobs::Match& match : face.matches) {
    out.begin_object().key("person").text(match.person).key("similarity").number(match.similarity);
    out.key("above_threshold").boolean(match.above_threshold).end_object();
  }
  out.end_array().end_object();
}

void write_classes(jobs::JsonWriter& out, const jobs::Outcome& outcome) {
  out.key("label").text(outcome.label).key("classes").begin_array();
  for (const jobs::Class& one : outcome.classes)
    out.begin_object().key("name").text(one.name).key("score").rounded(one.score, 6).end_object();
  out.end_array().key("photo").begin_object().key("width").number(outcome.width);
  out.key("height").number(outcome.height).end_object().key("model").text(outcome.model);
}

}  // namespace

Form form_of(std::string_view profile_form, std::optional<std::string_view> accept) {
  const auto* row = std::ranges::find(kForms, profile_form, &FormName::name);
  const Form profile = row != kForms.end() ? row->form : Form::kText;
  if (!accept) return profile;
  // A client that names one of the two wants that one; browsers and libraries name neither, or everything.
  const bool json = accept->find("application/json") != std::string_view::npos;
  const bool text = accept->find("text/plain") != std::string_view::npos;
  if (json == text) return profile;
  const bool profile_is_json = profile == Form::kJson || profile == Form::kJsonString;
  if (json) return profile == Form::kJsonString ? profile : Form::kJson;
  return profile_is_json ? Form::kText : profile;
}

int http_status(const Error& error) {
  const auto found = std::ranges::find(kStatusOfReason, error.reason, &StatusOfReason::reason);
  return found != kStatusOfReason.end() ? found->status : status_of_code(error.code);
}

void write_error(jobs::JsonWriter& out, const Error& error) {
  const std::string_view code = to_string(error.code);
  out.key("error").begin_object().key("code").plain_text(code).key("message").text(error.message);
  out.key("reason").text(error.reason.empty() ? code : std::string_view(error.reason)).end_object();
}

Error told_to_caller(Error error) {
  if (error.code != Code::kDenied && error.reason != "no_credentials") return error;
  return {Code::kUnavailable, "A service behind this one refuses it; its operator finds the reason in the log.",
          "refused_behind"};
}

net::HttpResponse error_response(const Error& error, std::string_view request_id, Form form) {
  const int status = http_status(error);
  if (form != Form::kJson && form != Form::kJsonString) {
    const std::string_view reason = error.reason.empty() ? to_string(error.code) : std::string_view(error.reason);
    return net::HttpResponse::text(status, error.message + " (" + std::string(reason) + ")\n");
  }
  jobs::JsonWriter out;
  out.begin_object();
  write_error(out, error);
  out.key("request_id").text(request_id).end_object();
  return net::HttpResponse::json(status, out.take());
}

std::optional<Error> error_of(const jobs::Outcome& outcome) {
  if (outcome.error_reason.empty()) return std::nullopt;
  std::string message = outcome.error_message;
  if (message.empty()) message = "The photo could not be recognised.";
  return Error{Code::kInvalidInput, std::move(message), outcome.error_reason};
}

void write_outcome(jobs::JsonWriter& out, const jobs::Outcome& outcome, std::optional<double> total_ms) {
  out.begin_object().key("job_id").text(outcome.job_id).key("status").plain_text("done");
  const bool classified = outcome.kind == jobs::Kind::kClassify;
  out.key("name").text(outcome.name);
  if (!classified) out.key("gallery").text(outcome.gallery);
  if (const auto error = error_of(outcome)) {
    write_error(out, *error);
  } else if (classified) {
    write_classes(out, outcome);
  } else {
    out.key("label").text(outcome.label).key("main_face").number(outcome.main_face).key("faces").begin_array();
    for (std::size_t i = 0; i < outcome.faces.size(); ++i) write_face(out, outcome, i);
    out.end_array().key("photo").begin_object().key("width").number(outcome.width);
    out.key("height").number(outcome.height).key("rotation").number(outcome.rotation).end_object();
    out.key("model").text(outcome.model).key("gallery_version").number(outcome.gallery_version);
  }
  out.key("worker").text(outcome.worker).key("finished_ms").number(outcome.finished_ms);
  out.key("timings_ms").begin_object();
  for (const jobs::Stage& stage : outcome.stages) out.key(stage.name).rounded(stage.ms, 3);
  if (total_ms) out.key("total").rounded(*total_ms, 3);
  out.end_object().end_object();
}

}  // namespace facefleet::gateway
