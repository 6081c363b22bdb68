#include "gateway/intake.h"

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <charconv>

#include "base/hash.h"
#include "base/limits.h"
#include "gateway/idempotency.h"
#include "gateway/reuse.h"
#include "jobs/utf8.h"
#include "net/body.h"
#include "net/multipart.h"

namespace facefleet::gateway {
namespace {

constexpr std::uint32_t kMatchesMax = 100;
constexpr Millis kFirstLook{15'000};  // then twice as long each time

Error invalid(std::string message, std::string reason) {
  return {Code::kInvalidInput, std::move(message), std::move(reason)};
}

// What remains of a file name that a stranger sent: no path, no control character.
Result<std::string> safe_name(std::string_view sent) {
  const bool has_control = std::ranges::any_of(sent, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
  if (has_control) return invalid("A file's name must not contain control characters.", "bad_name");
  const std::size_t slash = sent.find_last_of("/\\");
  std::string name = jobs::to_utf8(slash == std::string_view::npos ? sent : sent.substr(slash + 1));
  if (name == "." || name == "..") name.clear();
  if (name.size() > limits::kPhotoNameBytes)
    return invalid("A file's name must not be longer than " + std::to_string(limits::kPhotoNameBytes) + " bytes.",
                   "name_too_long");
  return name;
}

Result<void> check_size(std::size_t size, const Options& options) {
  if (size == 0) return invalid("The photo is empty; send the bytes of a JPEG, PNG or WebP file.", "empty");
  if (size <= options.photo_bytes_max) return {};
  return invalid("The photo is larger than " + std::to_string(options.photo_bytes_max >> 20) + " MiB.",
                 "photo_too_large");
}

Result<std::vector<Upload>> read_form(std::string_view content_type, const Bytes& body, const Options& options) {
  const std::size_t parts_max = options.files_max + 64u;  // further fields may stand beside the files
  const auto parts = net::parse_multipart(content_type, body, parts_max);
  if (!parts) return parts.error();
  std::vector<Upload> uploads;
  for (const net::Part& part : *parts) {
    if (!part.is_file) continue;
    if (part.filename.empty() && part.body.empty()) continue;  // a browser's file field that was left empty
    if (uploads.size() == options.files_max)
      return invalid("A request may bring at most " + std::to_string(options.files_max) + " files.", "too_many_files");
    auto name = safe_name(part.filename);
    if (!name) return name.error();
    if (const auto size = check_size(part.body.size(), options); !size) return size.error();
    uploads.push_back({std::move(*name), Bytes(part.body)});
  }
  if (uploads.empty())
    return invalid("The form has no file; send the photo as a file field, as `curl -F inputFile=@photo.jpg` does.",
                   "no_file");
  return uploads;
}

bool is_form(std::string_view content_type) {
  constexpr std::string_view kForm = "multipart/form-data";
  return net::equal_ignoring_case(content_type.substr(0, kForm.size()), kForm);
}

// A type under which a photo may come as the whole body: an image's, or one that says nothing.
bool may_be_photo(std::string_view content_type) {
  constexpr std::string_view kImage = "image/";
  return net::equal_ignoring_case(content_type.substr(0, kImage.size()), kImage) ||
         content_type == "application/octet-stream";
}

// Whether a job is in the queue, perhaps, though its send failed.
bool may_be_queued(const Error& error) {
  return error.code == Code::kUnavailable || error.code == Code::kTimedOut || error.code == Code::kInternal;
}

// Deletes what was kept for a job that came to nothing. What is doubtful stays: the sweep has it in time.
struct Undo {
  Service& service;
  const std::string& job_id;
  bool done = false;
  ~Undo() {
    if (!done) service.retention->forget(jobs::photo_key(job_id));
  }
};

Task<Result<void>> keep_photo(Service& service, std::string job_id, Bytes bytes) {
  store::Put put;
  auto kept = co_await service.parts.store.put(service.names.job_bucket, jobs::photo_key(job_id), std::move(bytes),
                                               std::move(put));
  if (!kept) co_return kept.error();
  co_return Result<void>();
}

// The version in which a photo that is accepted now is searched, or a later one: who was enrolled or deleted here
// before it came, or elsewhere kGalleryLookMs before, is known or unknown in its answer.
Task<std::int64_t> gallery_version(Service& service, Order order) {
  if (order.kind != jobs::Kind::kRecognise) co_return -1;
  auto version = co_await service.parts.galleries.version(std::move(order.gallery), Millis(limits::kGalleryLookMs));
  co_return version ? *version : -1;  // the worker will see what is wrong with it, and say so
}

jobs::Job make_job(const Service& service, const Order& order, const std::string& job_id, std::string name) {
  jobs::Job job;
  job.id = job_id;
  job.kind = order.kind;
  job.name = std::move(name);
  job.gallery = order.gallery;
  job.reply_to = service.responses->name();
  job.views = order.views;
  job.again = order.again;
  job.matches_max = order.matches_max;
  job.accepted_ms = service.parts.clock.wall_ms();
  return job;
}

Error message_too_large(const Options& options, std::size_t photo_bytes, std::size_t message_bytes) {
  return invalid("The photo of " + std::to_string(photo_bytes) + " bytes makes a message of " +
                     std::to_string(message_bytes) + "; the request queue takes " +
                     std::to_string(options.message_bytes_max) +
                     ". Send a smaller photo, or let the profile say [jobs] message = \"name\".",
                 "message_too_large");
}

// Brings one photo as far as the queue, unless its answer is there already.
Task<Result<void>> accept(Service& service, Order order, Entry& entry, Bytes bytes, bool seen_before) {
  order.again = seen_before;
  if (seen_before) {
    auto stored =
        co_await service.parts.store.get(service.names.job_bucket, jobs::outcome_key(entry.job_id), std::nullopt);
    if (stored) {
      auto outcome = jobs::decode_outcome(stored->body);
      if (!outcome) co_return outcome.error();
      entry.known = std::make_shared<const jobs::Outcome>(std::move(*outcome));
      co_return Result<void>();
    }
    if (stored.error().code != Code::kNotFound) co_return stored.error();
  }
  if (service.options.reuse && order.kind != jobs::Kind::kEmbed) {
    auto reused = co_await reuse_outcome(service, order, entry.job_id, entry.name, bytes);
    if (!reused) co_return reused.error();
    entry.known = std::move(*reused);
    if (entry.known) co_return Result<void>();
  }
  co_return co_await keep_and_send(service, order, entry.job_id, entry.name, std::move(bytes));
}

// Whether a photo of a request that was seen before is still being brought to the queue, by the earlier one.
bool is_anothers(const Service& service, const Entry& entry, bool seen_before) {
  return seen_before && service.pending.waiters(entry.job_id) > 1;
}

}  // namespace

// Views and photo first, then the message: whoever reads the message finds what it names.
Task<Result<void>> keep_and_send(Service& service, const Order& order, const std::string& job_id, std::string name,
                                 Bytes bytes) {
  jobs::Job job = make_job(service, order, job_id, name);
  queue::Outgoing message;
  // What is enrolled may be larger than a message, and never travelled in one.
  const bool in_message = service.options.photo_in_message && order.kind != jobs::Kind::kEmbed && order.waits;
  if (in_message) {
    job.gallery_version = co_await gallery_version(service, order);
    job.photo = bytes;
    message.body = jobs::encode(job);
    if (message.body.size() > service.options.message_bytes_max)
      co_return message_too_large(service.options, bytes.size(), message.body.size());
  }
  Undo undo{service, job_id, order.keyed};
  if (order.views) {
    store::Put put;
    auto seen = co_await service.parts.store.put(service.names.in_bucket, std::move(name), bytes, std::move(put));
    if (!seen) co_return seen.error();
  }
  if (!in_message) {
    using asio::experimental::awaitable_operators::operator&&;
    Task<Result<void>> keeping = keep_photo(service, job_id, std::move(bytes));
    Task<std::int64_t> looking = gallery_version(service, order);
    auto [kept, version] = co_await (std::move(keeping) && std::move(looking));
    if (!kept) co_return kept;
    job.gallery_version = version;
    message.body = jobs::encode(job);
  }
  auto sent = co_await service.requests->send(std::move(message));
  if (sent || may_be_queued(sent.error())) undo.done = true;
  if (!sent) co_return sent.error();
  co_return Result<void>();
}

Result<std::vector<Upload>> read_uploads(Call& call) {
  const Options& options = call.service.options;
  const std::string_view type = call.request.headers.get("content-type").value_or("");
  Bytes body = std::move(call.request.body);
  if (body.empty())
    return invalid("The request has no body; send a photo, as `curl -F inputFile=@photo.jpg` does.", "empty");
  if (is_form(type)) return read_form(type, body, options);
  if (!type.empty() && !may_be_photo(type))
    return invalid("Send a form with a file (multipart/form-data), or a photo as the body with its type (image/jpeg).",
                   "unsupported_content_type");
  if (const auto size = check_size(body.size(), options); !size) return size.error();
  auto name = safe_name(call.parameter("name"));
  if (!name) return name.error();
  std::vector<Upload> uploads;
  uploads.push_back({std::move(*name), std::move(body)});
  return uploads;
}

Result<void> check_kind(const Service& service, jobs::Kind kind) {
  const bool classifies = service.options.kind == jobs::Kind::kClassify;
  if (classifies == (kind == jobs::Kind::kClassify)) return {};
  return Error{Code::kConflict,
               classifies ? "This system classifies pictures and knows no faces; send them to /v1/classify, or run one "
                            "whose profile says jobs.kind = \"recognise\"."
                          : "This system recognises faces and classifies nothing; send photos to /v1/recognise, or run "
                            "one whose profile says jobs.kind = \"classify\".",
               "kind_not_served"};
}

Result<Order> read_order(const Call& call, jobs::Kind kind) {
  if (auto served = check_kind(call.service, kind); !served) return served.error();
  Order order;
  order.kind = kind;
  if (const std::string_view gallery = call.parameter("gallery"); !gallery.empty()) order.gallery = gallery;
  if (auto named = gallery::check_gallery_name(order.gallery); !named) return named.error();
  const std::string parameter = kind == jobs::Kind::kClassify ? "top" : "matches";
  if (const std::string_view matches = call.parameter(parameter); !matches.empty()) {
    const auto [end, error] = std::from_chars(matches.data(), matches.data() + matches.size(), order.matches_max);
    if (error != std::errc() || end != matches.data() + matches.size() || order.matches_max < 1 ||
        order.matches_max > kMatchesMax)
      return invalid("`" + parameter + "` is a number from 1 to " + std::to_string(kMatchesMax) + ".", "bad_parameter");
  }
  order.views = call.service.options.views;
  return order;
}

Task<Result<std::vector<Entry>>> submit(Call& call, std::vector<Upload> uploads, Order order) {
  Service& service = call.service;
  auto connected = co_await service.connected();
  if (!connected) co_return connected.error();
  // What has begun is brought to its end though the client may leave: half a job would help nobody.
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());

  std::vector<Entry> entries(uploads.size());
  for (std::size_t i = 0; i < uploads.size(); ++i) {
    Entry& entry = entries[i];
    entry.job_id = i == 0 ? call.request_id : make_id(service.parts.clock.wall_ms(), service.parts.random);
    entry.name = uploads[i].name.empty() ? entry.job_id : uploads[i].name;
    entry.ticket = service.pending.expect(entry.job_id);
  }
  bool seen_before = false;
  if (const auto key = call.request.headers.get("idempotency-key")) {
    auto claimed = co_await claim(service, call.key_name, *key, uploads, order, entries);
    if (!claimed) co_return claimed.error();
    seen_before = *claimed;
    order.keyed = true;
  }
  call.request_id = entries.front().job_id;
  for (std::size_t i = 0; i < uploads.size(); ++i) {
    Entry& entry = entries[i];
    if (is_anothers(service, entry, seen_before)) continue;
    auto accepted = co_await accept(service, order, entry, std::move(uploads[i].bytes), seen_before);
    if (accepted) continue;
    // Others may wait for this job, under the same Idempotency-Key, and for those that will not be sent now.
    service.pending.deliver(entry.job_id, accepted.error());
    for (std::size_t later = i + 1; later < uploads.size() && !seen_before; ++later)
      service.pending.deliver(entries[later].job_id, accepted.error());
    co_return accepted.error();
  }
  // While this one waits for its answer, others may bring their photos.
  if (call.request.held != nullptr) call.request.held->release();
  co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
  co_return std::move(entries);
}

Task<Result<Answer>> wait_for(Service& service, Entry& entry) {
  if (entry.known) co_return entry.known;
  const MonoTime deadline = service.parts.clock.now() + service.options.answer_timeout;
  Millis patience = kFirstLook;
  for (;;) {
    const MonoTime now = service.parts.clock.now();
    auto result = co_await entry.ticket->wait_until(std::min(deadline, now + patience));
    if (result) co_return std::move(*result);
    // An answer can go astray: its outcome cannot.
    auto stored =
        co_await service.parts.store.get(service.names.job_bucket, jobs::outcome_key(entry.job_id), std::nullopt);
    if (stored) {
      auto outcome = jobs::decode_outcome(stored->body);
      if (!outcome) co_return outcome.error();
      co_return std::make_shared<const jobs::Outcome>(std::move(*outcome));
    }
    if (service.parts.clock.now() >= deadline)
      co_return Error{Code::kTimedOut,
                      "No answer came in time; the job goes on: ask for it at /v1/jobs/" + entry.job_id + ".",
                      "answer_timeout"};
    patience *= 2;
  }
}

}  // namespace facefleet::gateway
