// POST /v1/galleries/{g}/persons/{p}/photos: each photo's main face becomes a template of the person.
#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/hash.h"
#include "gateway/intake.h"
#include "gateway/replies.h"

namespace facefleet::gateway {
namespace {

constexpr float kFacePixelsMin = 20;  // smaller faces make templates that match strangers

// What became of one photo.
struct Verdict {
  std::string name;
  bool present = false;
  std::optional<Error> error;
  std::size_t faces = 0;
  Enrolment::Receipt receipt;  // null if rejected before
};

struct Enrolling {
  std::string gallery, person;
  float face_pixels_min = kFacePixelsMin;
};

Result<Enrolling> read_target(const Call& call) {
  Enrolling target{call.captures[0], call.captures[1]};
  if (auto named = gallery::check_gallery_name(target.gallery); !named) return named.error();
  if (auto named = gallery::check_person_name(target.person); !named) return named.error();
  if (const std::string_view text = call.parameter("min_face_px"); !text.empty()) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), target.face_pixels_min);
    if (error != std::errc() || end != text.data() + text.size() || target.face_pixels_min < 0)
      return Error{Code::kInvalidInput, "`min_face_px` is a number of pixels.", "bad_parameter"};
  }
  return target;
}

// The template that an embed job's outcome gives, or why it gives none.
Result<gallery::Template> to_template(const jobs::Outcome& outcome, const Enrolling& target, std::string digest) {
  if (auto error = error_of(outcome)) return std::move(*error);
  if (outcome.main_face < 0 || !outcome.embedding)
    return Error{Code::kInvalidInput, "No face was found in this photo.", "no_face"};
  const jobs::Box& box = outcome.faces[static_cast<std::size_t>(outcome.main_face)].box;
  if (std::max(box.width, box.height) < target.face_pixels_min)
    return Error{Code::kInvalidInput, "The face is too small to be enrolled; send a larger photo, or set min_face_px.",
                 "face_too_small"};
  gallery::Template face;
  face.person = target.person;
  face.embedding.resize(outcome.embedding->size() / sizeof(float));
  std::memcpy(face.embedding.data(), outcome.embedding->data(), face.embedding.size() * sizeof(float));
  face.photo_sha256 = std::move(digest);
  face.source = outcome.name;
  face.chip_png = outcome.chip_png.value_or(Bytes());
  return face;
}

// One photo's answer waited for, and the template that it gives sent on its way.
Task<> enrol(Call& call, const Enrolling& target, Entry& entry, std::string digest, Verdict& verdict) {
  verdict.name = entry.name;
  auto answer = co_await wait_for(call.service, entry);
  call.service.retention->forget(jobs::photo_key(entry.job_id));  // the gallery holds what is needed of it
  if (!answer) {
    verdict.error = answer.error();
    if (verdict.error->code == Code::kTimedOut)  // there is no outcome to ask for: what is enrolled is not stored so
      verdict.error->message = "No answer came in time; send the photo again.";
    co_return;
  }
  const jobs::Outcome& outcome = **answer;
  verdict.faces = outcome.faces.size();
  auto face = to_template(outcome, target, std::move(digest));
  if (face)
    verdict.receipt = call.service.enrolment->add(target.gallery, outcome.model, std::move(*face));
  else
    verdict.error = face.error();
}

void write_verdict(jobs::JsonWriter& out, const Verdict& verdict) {
  out.begin_object().key("photo").text(verdict.name).key("status");
  out.plain_text(verdict.error ? "rejected" : verdict.present ? "already_enrolled" : "added");
  if (verdict.error) write_error(out, *verdict.error);
  if (verdict.faces > 1) out.key("notes").begin_array().plain_text("several_faces").end_array();
  out.end_object();
}

net::HttpResponse reply(const Enrolling& target, const std::vector<Verdict>& verdicts, std::int64_t version) {
  const auto rejected = [](const Verdict& verdict) { return verdict.error.has_value(); };
  const auto added = [](const Verdict& verdict) { return !verdict.error && !verdict.present; };
  const int status = std::ranges::any_of(verdicts, added)      ? 201
                     : std::ranges::all_of(verdicts, rejected) ? http_status(*verdicts.front().error)
                                                               : 200;
  jobs::JsonWriter out;
  out.begin_object();
  if (status >= 400) write_error(out, *verdicts.front().error);
  out.key("gallery").text(target.gallery).key("person").text(target.person).key("version").number(version);
  out.key("photos").begin_array();
  for (const Verdict& verdict : verdicts) write_verdict(out, verdict);
  return net::HttpResponse::json(status, out.end_array().end_object().take());
}

}  // namespace

Task<Result<net::HttpResponse>> post_person_photos(Call& call) {
  auto target = read_target(call);
  if (!target) co_return target.error();
  if (auto served = check_kind(call.service, jobs::Kind::kEmbed); !served) co_return served.error();
  auto uploads = read_uploads(call);
  if (!uploads) co_return uploads.error();
  std::vector<std::string> digests;
  for (const Upload& upload : *uploads) digests.push_back(hex(sha256(upload.bytes)));

  Order order;
  order.kind = jobs::Kind::kEmbed;
  order.gallery = target->gallery;
  auto entries = co_await submit(call, std::move(*uploads), std::move(order));
  if (!entries) co_return entries.error();
  // All are on their way before the first is waited for, so that they share versions of the gallery.
  std::vector<Verdict> verdicts(entries->size());
  for (std::size_t i = 0; i < verdicts.size(); ++i)
    co_await enrol(call, *target, (*entries)[i], std::move(digests[i]), verdicts[i]);
  std::int64_t version = 0;
  for (Verdict& verdict : verdicts) {
    if (!verdict.receipt) continue;
    auto enrolled = co_await verdict.receipt->wait_until(MonoTime::max());
    if (enrolled && *enrolled) {
      verdict.present = (*enrolled)->was_present;
      version = std::max(version, (*enrolled)->version);
    } else {
      verdict.error = enrolled ? enrolled->error() : Error{Code::kUnavailable, "The service is ending.", "not_serving"};
    }
  }
  co_return reply(*target, verdicts, version);
}

}  // namespace facefleet::gateway
