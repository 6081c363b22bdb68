#include "gateway/idempotency.h"

#include <boost/json.hpp>

#include "base/hash.h"
#include "base/limits.h"

namespace facefleet::gateway {
namespace {

struct Record {
  std::string digest;  // of what was asked for
  std::vector<std::string> job_ids;
};

Bytes encode(const Record& record) {
  jobs::JsonWriter out;
  out.begin_object().key("v").number(1).key("digest").plain_text(record.digest).key("jobs").begin_array();
  for (const std::string& id : record.job_ids) out.plain_text(id);
  out.end_array().end_object();
  return out.take();
}

Result<Record> decode(BytesView bytes) {
  const Error corrupt{Code::kCorrupt, "The record of this Idempotency-Key cannot be read; use another key.", ""};
  boost::system::error_code error;
  const boost::json::value document = boost::json::parse({bytes.data(), bytes.size()}, error);
  const boost::json::object* object = error ? nullptr : document.if_object();
  const boost::json::value* digest = object ? object->if_contains("digest") : nullptr;
  const boost::json::value* ids = object ? object->if_contains("jobs") : nullptr;
  if (!digest || !digest->is_string() || !ids || !ids->is_array()) return corrupt;
  Record record{digest->get_string().c_str(), {}};
  for (const boost::json::value& id : ids->get_array()) {
    if (!id.is_string() || !is_id(id.get_string())) return corrupt;
    record.job_ids.emplace_back(id.get_string());
  }
  return record;
}

std::string digest_of(const std::vector<Upload>& uploads, const Order& order) {
  std::string text = order.gallery + "\n" + std::to_string(static_cast<int>(order.kind)) + "\n" +
                     std::to_string(order.matches_max) + "\n";
  for (const Upload& upload : uploads) text += sha256(upload.bytes);
  return hex(sha256(text));
}

}  // namespace

Task<Result<bool>> claim(Service& service, std::string_view api_key_name, std::string_view key,
                         const std::vector<Upload>& uploads, const Order& order, std::vector<Entry>& entries) {
  if (key.empty() || key.size() > limits::kIdempotencyKeyBytes)
    co_return Error{Code::kInvalidInput,
                    "An Idempotency-Key is 1 to " + std::to_string(limits::kIdempotencyKeyBytes) + " bytes long.",
                    "bad_idempotency_key"};
  Record record{digest_of(uploads, order), {}};
  for (const Entry& entry : entries) record.job_ids.push_back(entry.job_id);
  const std::string object = "idempotency/" + hex(sha256(std::string(api_key_name) + "\n" + std::string(key)));

  store::Put once;
  once.content_type = "application/json";
  once.if_absent = true;
  Bytes encoded = encode(record);
  auto stored = co_await service.parts.store.put(service.names.job_bucket, object, std::move(encoded), std::move(once));
  if (stored) co_return false;
  if (stored.error().code != Code::kConflict) co_return stored.error();

  auto first = co_await service.parts.store.get(service.names.job_bucket, object, std::nullopt);
  if (!first) co_return first.error();
  auto earlier = decode(first->body);
  if (!earlier) co_return earlier.error();
  if (earlier->digest != record.digest || earlier->job_ids.size() != entries.size())
    co_return Error{Code::kInvalidInput,
                    "This Idempotency-Key was used for another request; a key stands for one request and its retries.",
                    "idempotency_key_reused"};
  for (std::size_t i = 0; i < entries.size(); ++i) {
    entries[i].job_id = earlier->job_ids[i];
    entries[i].ticket = service.pending.expect(entries[i].job_id);
  }
  co_return true;
}

}  // namespace facefleet::gateway
