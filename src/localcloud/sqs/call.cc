#include "localcloud/sqs/call.h"

#include <array>
#include <charconv>

#include "base/hash.h"
#include "base/ids.h"
#include "localcloud/sqs/errors.h"

namespace facefleet::localcloud::sqs {

bool is_recent(const Service& service, std::map<std::string, MonoTime, std::less<>>& times, std::string_view name) {
  const MonoTime now = service.clock.now();
  std::erase_if(times, [&](const auto& one) { return now - one.second >= service.pause; });
  return times.find(name) != times.end();
}

Task<Result<std::shared_ptr<queue::Queue>>> open_queue(Call& call) {
  const auto url = required(call.parameters, "QueueUrl");
  if (!url) co_return url.error();
  std::string name(url->substr(url->rfind('/') + 1));
  auto opened = co_await call.service.queues.open(std::move(name));
  if (!opened) co_return from_queue(call, opened.error());
  co_return std::move(*opened);
}

Error from_queue(const Call& call, const Error& error) {
  switch (error.code) {
    case Code::kNotFound:
      return {Code::kNotFound,
              call.protocol == aws::Protocol::kJson ? "The specified queue does not exist."
                                                    : "The specified queue does not exist for this wsdl version.",
              "AWS.SimpleQueueService.NonExistentQueue"};
    case Code::kInvalidInput: return invalid_request(error.message);
    case Code::kConflict: return {Code::kConflict, error.message, "QueueAlreadyExists"};
    case Code::kBusy: return {Code::kBusy, error.message, "OverLimit"};
    default: return {error.code, error.message, ""};
  }
}

std::string queue_url(const Call& call, std::string_view name) {
  std::string url = call.base_url;
  return url.append("/").append(call.service.account).append("/").append(name);
}

std::string queue_arn(const Service& service, std::string_view name) {
  std::string arn = "arn:aws:sqs:";
  return arn.append(service.region).append(":").append(service.account).append(":").append(name);
}

std::optional<std::string> name_of_arn(std::string_view arn) {
  if (!arn.starts_with("arn:aws:sqs:")) return std::nullopt;
  return std::string(arn.substr(arn.rfind(':') + 1));
}

Result<std::string_view> required(const aws::Parameter& parameters, std::string_view name) {
  const auto text = parameters.text_of(name);
  if (!text || text->empty()) return missing_parameter(name);
  return *text;
}

Result<std::optional<std::int64_t>> integer(const aws::Parameter& parameters, std::string_view name, std::int64_t first,
                                            std::int64_t last, std::string_view reason) {
  const auto text = parameters.text_of(name);
  if (!text) return std::optional<std::int64_t>();
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text->data(), text->data() + text->size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text->data() + text->size() || value < first || value > last)
    return invalid_parameter(*text, name, reason);
  return std::optional(value);
}

std::string message_id(std::string_view id) {
  if (!is_id(id)) return std::string(id);
  constexpr std::string_view kCrockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  Bytes bytes;
  std::uint32_t pending = 0;
  int held = -2;  // bits in `pending`; 26 digits of five are two more than 128, and those two are zero
  for (const char digit : id) {
    pending = (pending << 5 | static_cast<std::uint32_t>(kCrockford.find(digit))) & 0x1FFF;
    held += 5;
    if (held < 8) continue;
    held -= 8;
    bytes += static_cast<char>(pending >> held & 0xFF);
  }
  std::string uuid = hex(bytes);
  for (const std::size_t dash : {20, 16, 12, 8}) uuid.insert(dash, 1, '-');
  return uuid;
}

}  // namespace facefleet::localcloud::sqs
