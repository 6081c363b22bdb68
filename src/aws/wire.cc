#include "aws/wire.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>

#include "aws/xml.h"
#include "base/limits.h"

namespace facefleet::aws {
namespace {

namespace json = boost::json;

Parameter& member(Parameter& of, std::string_view name) {
  for (Parameter::Member& one : of.members)
    if (one.name == name) return one.value;
  return of.members.emplace_back(Parameter::Member{std::string(name), {}}).value;
}

Parameter from_json(const json::value& value) {
  Parameter parameter;
  if (const auto* text = value.if_string()) {
    parameter.text.assign(text->data(), text->size());
  } else if (const auto* list = value.if_array()) {
    parameter.members.reserve(list->size());
    for (const json::value& entry : *list)
      parameter.members.push_back({std::to_string(parameter.members.size() + 1), from_json(entry)});
  } else if (const auto* object = value.if_object()) {
    parameter.members.reserve(object->size());
    for (const auto& [name, entry] : *object)
      if (!entry.is_null()) parameter.members.push_back({std::string(name), from_json(entry)});
  } else {
    parameter.text = json::serialize(value);
  }
  return parameter;
}

constexpr int kDepthMax = 8;  // of structures in structures; the calls that we know need four

// The place that a list's entry has in its list, 0 for a member of a structure.
std::uint64_t place(const Parameter::Member& member) {
  std::uint64_t number = 0;
  std::from_chars(member.name.data(), member.name.data() + member.name.size(), number);
  return number;
}

// The query form may give a list's entries in any order.
void order_lists(Parameter& parameter) {
  std::ranges::stable_sort(parameter.members, {}, &place);
  for (Parameter::Member& member : parameter.members) order_lists(member.value);
}

// The length of the UTF-8 sequence of a character that XML allows at `at`, 0 if there is none (RFC 3629; XML 1.0, 2.2).
std::size_t xml_sequence(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return lead >= 0x20 || lead == '\t' || lead == '\n' || lead == '\r' ? 1 : 0;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() - at < length) return 0;
  std::uint32_t point = lead & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[at + i]);
    if ((byte & 0xC0) != 0x80) return 0;
    point = point << 6 | (byte & 0x3Fu);
  }
  constexpr std::array<std::uint32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
  const bool allowed = !surrogate && point != 0xFFFE && point != 0xFFFF && point <= 0x10FFFF;
  return allowed && point >= kSmallest[length] ? length : 0;
}

// What a code of AWS's implies: its HTTP status, and its JSON shape where that is not the code itself. A code that
// is not here has the status of the Error's own Code.
struct FaultRow {
  std::string_view code;
  int status;
  std::string_view shape;
};

constexpr std::array kFaults{
    // SQS. `AWS.SimpleQueueService.` stands before the shape's name, but for these two.
    FaultRow{"AWS.SimpleQueueService.NonExistentQueue", 400, "com.amazonaws.sqs#QueueDoesNotExist"},
    FaultRow{"QueueAlreadyExists", 400, "com.amazonaws.sqs#QueueNameExists"},
    FaultRow{"AWS.SimpleQueueService.BatchEntryIdsNotDistinct", 400, "com.amazonaws.sqs#BatchEntryIdsNotDistinct"},
    FaultRow{"AWS.SimpleQueueService.BatchRequestTooLong", 400, "com.amazonaws.sqs#BatchRequestTooLong"},
    FaultRow{"AWS.SimpleQueueService.EmptyBatchRequest", 400, "com.amazonaws.sqs#EmptyBatchRequest"},
    FaultRow{"AWS.SimpleQueueService.InvalidBatchEntryId", 400, "com.amazonaws.sqs#InvalidBatchEntryId"},
    FaultRow{"AWS.SimpleQueueService.TooManyEntriesInBatchRequest", 400,
             "com.amazonaws.sqs#TooManyEntriesInBatchRequest"},
    FaultRow{"AWS.SimpleQueueService.PurgeQueueInProgress", 403, "com.amazonaws.sqs#PurgeQueueInProgress"},
    FaultRow{"AWS.SimpleQueueService.QueueDeletedRecently", 400, "com.amazonaws.sqs#QueueDeletedRecently"},
    FaultRow{"AWS.SimpleQueueService.UnsupportedOperation", 400, "com.amazonaws.sqs#UnsupportedOperation"},
    FaultRow{"InvalidAttributeName", 400, "com.amazonaws.sqs#InvalidAttributeName"},
    FaultRow{"InvalidAttributeValue", 400, "com.amazonaws.sqs#InvalidAttributeValue"},
    FaultRow{"InvalidMessageContents", 400, "com.amazonaws.sqs#InvalidMessageContents"},
    FaultRow{"OverLimit", 403, "com.amazonaws.sqs#OverLimit"},
    FaultRow{"ReceiptHandleIsInvalid", 400, "com.amazonaws.sqs#ReceiptHandleIsInvalid"},
    FaultRow{"InvalidParameterValue", 400, "com.amazon.coral.service#InvalidParameterValueException"},
    FaultRow{"MissingParameter", 400, "com.amazon.coral.service#MissingRequiredParameterException"},
    FaultRow{"InvalidAction", 400, "com.amazon.coral.service#UnknownOperationException"},
    FaultRow{"MalformedInput", 400, "com.amazon.coral.service#SerializationException"},
    // S3
    FaultRow{"BucketAlreadyOwnedByYou", 409, ""},
    FaultRow{"BucketNotEmpty", 409, ""},
    FaultRow{"InvalidRange", 416, ""},
    FaultRow{"MethodNotAllowed", 405, ""},
    FaultRow{"NoSuchBucket", 404, ""},
    FaultRow{"NoSuchKey", 404, ""},
    FaultRow{"NotImplemented", 501, ""},
    FaultRow{"PreconditionFailed", 412, ""},
    // DynamoDB
    FaultRow{"ConditionalCheckFailedException", 400,
             "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"},
    FaultRow{"InternalServerError", 500, "com.amazonaws.dynamodb.v20120810#InternalServerError"},
    FaultRow{"InvalidSignatureException", 400, ""},
    FaultRow{"MissingAuthenticationTokenException", 400, ""},
    FaultRow{"ResourceInUseException", 400, "com.amazonaws.dynamodb.v20120810#ResourceInUseException"},
    FaultRow{"ResourceNotFoundException", 400, "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"},
    FaultRow{"SerializationException", 400, ""},
    FaultRow{"UnknownOperationException", 400, ""},
    FaultRow{"UnrecognizedClientException", 400, ""},
    FaultRow{"ValidationException", 400, "com.amazon.coral.validate#ValidationException"},
    // EC2
    FaultRow{"DryRunOperation", 412, ""},
    FaultRow{"InsufficientInstanceCapacity", 500, ""},
    FaultRow{"InvalidInstanceID.NotFound", 400, ""},
    // All
    FaultRow{"RequestEntityTooLarge", 413, ""},
};

struct General {
  int status;
  std::string_view code;
};

General general(Code code) {
  switch (code) {
    case Code::kInvalidInput: return {400, "InvalidParameterValue"};
    case Code::kNotFound: return {404, "NotFound"};
    case Code::kConflict: return {409, "OperationAborted"};
    case Code::kDenied: return {403, "AccessDenied"};
    case Code::kBusy:
    case Code::kUnavailable:
    case Code::kTimedOut: return {503, "ServiceUnavailable"};
    case Code::kCorrupt:
    case Code::kInternal: return {500, "InternalError"};
  }
  return {500, "InternalError"};
}

net::HttpResponse with_body(int status, std::string_view type, std::string body) {
  net::HttpResponse response;
  response.status = status;
  response.headers.add("Content-Type", std::string(type));
  response.body = std::move(body);
  return response;
}

constexpr std::string_view kJsonType = "application/x-amz-json-1.0";

net::HttpResponse json_error(const Fault& fault, std::string_view message) {
  std::string body = "{\"__type\":";
  append_json_string(body, fault.shape.empty() ? "com.amazon.coral.service#" + fault.code : std::string(fault.shape));
  body += ",\"message\":";
  append_json_string(body, message);
  body += '}';
  net::HttpResponse response = with_body(fault.status, kJsonType, std::move(body));
  // By which an SDK that speaks JSON still raises the error under the code that it had in the query form.
  response.headers.add("x-amzn-query-error", fault.code + (fault.status < 500 ? ";Sender" : ";Receiver"));
  return response;
}

// A text of CBOR (RFC 8949, 3.1, major type 3).
void append_cbor_text(std::string& out, std::string_view text) {
  if (text.size() < 24) {
    out += static_cast<char>(0x60 | text.size());
  } else if (text.size() < 256) {
    out.append("\x78").append(1, static_cast<char>(text.size()));
  } else {
    text = text.substr(0, 0xFFFF);
    out.append("\x79").append(1, static_cast<char>(text.size() >> 8)).append(1, static_cast<char>(text.size() & 0xFF));
  }
  out += text;
}

// {"__type": …, "message": …}, as smithy's rpc-v2-cbor has it.
net::HttpResponse cbor_error(const Fault& fault, std::string_view message) {
  std::string body = "\xA2";
  append_cbor_text(body, "__type");
  append_cbor_text(body, fault.shape.empty() ? "com.amazon.coral.service#" + fault.code : std::string(fault.shape));
  append_cbor_text(body, "message");
  append_cbor_text(body, message);
  net::HttpResponse response = with_body(fault.status, "application/cbor", std::move(body));
  response.headers.add("smithy-protocol", "rpc-v2-cbor");
  response.headers.add("x-amzn-query-error", fault.code + (fault.status < 500 ? ";Sender" : ";Receiver"));
  return response;
}

std::string query_error(const AnswerFrame& frame, const Fault& fault, std::string_view message) {
  std::string body;
  XmlWriter xml(body);
  xml.declaration();
  xml.open("ErrorResponse", frame.xml_namespace);
  xml.open("Error");
  xml.text("Type", fault.status < 500 ? "Sender" : "Receiver");
  xml.text("Code", fault.code);
  xml.text("Message", message);
  xml.close("Error");
  xml.text("RequestId", frame.request_id);
  xml.close("ErrorResponse");
  return body;
}

std::string ec2_error(const AnswerFrame& frame, std::string_view code, std::string_view message) {
  std::string body;
  XmlWriter xml(body);
  xml.declaration();
  xml.open("Response");
  xml.open("Errors");
  xml.open("Error");
  xml.text("Code", code);
  xml.text("Message", message);
  xml.close("Error");
  xml.close("Errors");
  xml.text("RequestID", frame.request_id);
  xml.close("Response");
  return body;
}

std::string s3_error(const AnswerFrame& frame, std::string_view code, std::string_view message,
                     std::string_view resource) {
  std::string body;
  XmlWriter xml(body);
  xml.declaration();
  xml.open("Error");
  xml.text("Code", code);
  xml.text("Message", message);
  xml.text("Resource", resource);
  xml.text("RequestId", frame.request_id);
  xml.close("Error");
  return body;
}

}  // namespace

Parameter* Parameter::find(std::string_view name) {
  for (Member& one : members)
    if (one.name == name) return &one.value;
  return nullptr;
}

const Parameter* Parameter::find(std::string_view name) const { return const_cast<Parameter*>(this)->find(name); }

std::optional<std::string_view> Parameter::text_of(std::string_view name) const {
  const Parameter* found = find(name);
  if (found == nullptr || !found->members.empty()) return std::nullopt;
  return found->text;
}

std::vector<Parameter*> Parameter::list(std::string_view json_name, std::string_view query_name) {
  Parameter* found = find(json_name);
  if (found == nullptr) found = find(query_name);
  std::vector<Parameter*> entries;
  if (found == nullptr) return entries;
  entries.reserve(found->members.size());
  for (Member& one : found->members) entries.push_back(&one.value);
  return entries;
}

std::vector<const Parameter*> Parameter::list(std::string_view json_name, std::string_view query_name) const {
  const auto entries = const_cast<Parameter*>(this)->list(json_name, query_name);
  return {entries.begin(), entries.end()};
}

std::vector<std::pair<std::string, std::string>> Parameter::map(std::string_view json_name, std::string_view query_name,
                                                                std::string_view key_name) const {
  std::vector<std::pair<std::string, std::string>> entries;
  if (const Parameter* found = find(json_name)) {
    for (const Member& one : found->members) entries.emplace_back(one.name, one.value.text);
    return entries;
  }
  for (const Parameter* entry : list(query_name, query_name))
    entries.emplace_back(entry->text_of(key_name).value_or(""), entry->text_of("Value").value_or(""));
  return entries;
}

Result<Parameter> parse_query(std::string_view form) {
  Parameter root;
  std::size_t count = 0;
  for (auto& [name, value] : net::parse_form(form)) {
    if (++count > limits::kDoorParameters)
      return Error{Code::kInvalidInput, "The request has too many parameters.", "MalformedInput"};
    Parameter* at = &root;
    std::string_view rest = name;
    for (int depth = 0; !rest.empty(); ++depth) {
      if (depth == kDepthMax)
        return Error{Code::kInvalidInput, "A parameter of the request has too many parts.", "MalformedInput"};
      const std::size_t dot = std::min(rest.find('.'), rest.size());
      at = &member(*at, rest.substr(0, dot));
      rest.remove_prefix(std::min(dot + 1, rest.size()));
    }
    at->text = std::move(value);
  }
  order_lists(root);
  return root;
}

Result<Parameter> parse_json(std::string_view body) {
  if (body.empty()) return Parameter{};
  std::array<unsigned char, 4'096> stack;  // enough for all but the longest calls
  json::monotonic_resource memory(stack.data(), stack.size());
  boost::system::error_code failed;
  const json::value value = json::parse(body, failed, &memory);
  if (failed || !value.is_object())
    return Error{Code::kInvalidInput, "The body is not a JSON object" + (failed ? ": " + failed.message() : "") + ".",
                 "MalformedInput"};
  return from_json(value);
}

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  std::size_t plain = 0;  // where the run of characters that need no escape began
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, plain, i - plain);
    plain = i + 1;
    out += '\\';
    if (c >= 0x20) {
      out += text[i];
    } else {
      out.append("u00").append(1, kHex[c >> 4]).append(1, kHex[c & 15]);
    }
  }
  out.append(text, plain);
  out += '"';
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return out;
}

bool is_xml_text(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = xml_sequence(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

void XmlWriter::text(std::string_view name, std::string_view value) {
  open(name);
  append_xml_text(out_, value);
  close(name);
}

void ResultWriter::separate() {
  if (out_.back() != '{' && out_.back() != '[') out_ += ',';
}

void ResultWriter::text(std::string_view name, std::string_view value) {
  if (!json_) return xml_.text(name, value);
  separate();
  out_.append("\"").append(name).append("\":");
  append_json_string(out_, value);
}

void ResultWriter::number(std::string_view name, std::int64_t value) {
  if (!json_) return xml_.number(name, value);
  separate();
  out_.append("\"").append(name).append("\":").append(std::to_string(value));
}

void ResultWriter::boolean(std::string_view name, bool value) {
  if (!json_) return xml_.boolean(name, value);
  separate();
  out_.append("\"").append(name).append(value ? "\":true" : "\":false");
}

void ResultWriter::open_list(std::string_view json_name) {
  if (!json_) return;
  separate();
  out_.append("\"").append(json_name).append("\":[");
}

void ResultWriter::close_list() {
  if (json_) out_ += ']';
}

void ResultWriter::open_item(std::string_view xml_name) {
  if (!json_) return xml_.open(xml_name);
  separate();
  out_ += '{';
}

void ResultWriter::close_item(std::string_view xml_name) {
  if (!json_) return xml_.close(xml_name);
  out_ += '}';
}

void ResultWriter::text_item(std::string_view xml_name, std::string_view value) {
  if (!json_) return xml_.text(xml_name, value);
  separate();
  append_json_string(out_, value);
}

void ResultWriter::open_map(std::string_view json_name) {
  if (!json_) return;
  separate();
  out_.append("\"").append(json_name).append("\":{");
}

void ResultWriter::close_map() {
  if (json_) out_ += '}';
}

void ResultWriter::entry(std::string_view xml_name, std::string_view name, std::string_view value,
                         std::string_view key_name) {
  if (json_) {  // the name is the caller's, and may hold anything
    separate();
    append_json_string(out_, name);
    out_ += ':';
    return append_json_string(out_, value);
  }
  xml_.open(xml_name);
  xml_.text(key_name, name);
  xml_.text("Value", value);
  xml_.close(xml_name);
}

void ResultWriter::open_entry(std::string_view xml_name, std::string_view name) {
  if (json_) {
    separate();
    append_json_string(out_, name);
    out_ += ":{";
    return;
  }
  xml_.open(xml_name);
  xml_.text("Name", name);
  xml_.open("Value");
}

void ResultWriter::close_entry(std::string_view xml_name) {
  if (json_) {
    out_ += '}';
    return;
  }
  xml_.close("Value");
  xml_.close(xml_name);
}

std::string ResultWriter::take() {
  if (json_) out_ += '}';
  return std::move(out_);
}

net::HttpResponse answer(const AnswerFrame& frame, std::string_view action, bool has_result, std::string result) {
  if (frame.protocol == Protocol::kJson) return with_body(200, kJsonType, std::move(result));
  std::string body;
  body.reserve(result.size() + 512);
  XmlWriter xml(body);
  xml.declaration();
  const std::string outer = std::string(action) + "Response";
  xml.open(outer, frame.xml_namespace);
  if (frame.protocol == Protocol::kEc2) {
    xml.text("requestId", frame.request_id);
    body += result;
  } else {
    const std::string inner = std::string(action) + "Result";
    if (has_result) {
      xml.open(inner);
      body += result;
      xml.close(inner);
    }
    xml.open("ResponseMetadata");
    xml.text("RequestId", frame.request_id);
    xml.close("ResponseMetadata");
  }
  xml.close(outer);
  return with_body(200, "text/xml", std::move(body));
}

Fault fault_of(const Error& error) {
  const auto known = std::ranges::find(kFaults, error.reason, &FaultRow::code);
  if (known != kFaults.end()) return {known->status, error.reason, known->shape};
  const General otherwise = general(error.code);
  const bool is_code = !error.reason.empty() && error.reason[0] >= 'A' && error.reason[0] <= 'Z';
  return {otherwise.status, is_code ? error.reason : std::string(otherwise.code), {}};
}

net::HttpResponse error_answer(const AnswerFrame& frame, const Error& error, std::string_view resource) {
  const Fault fault = fault_of(error);
  const std::string_view code = fault.code;
  switch (frame.protocol) {
    case Protocol::kJson: return json_error(fault, error.message);
    case Protocol::kCbor: return cbor_error(fault, error.message);
    case Protocol::kQuery: return with_body(fault.status, "text/xml", query_error(frame, fault, error.message));
    case Protocol::kEc2: return with_body(fault.status, "text/xml", ec2_error(frame, code, error.message));
    case Protocol::kS3:
      return with_body(fault.status, "application/xml", s3_error(frame, code, error.message, resource));
  }
  return with_body(500, "text/plain", "");
}

}  // namespace facefleet::aws
