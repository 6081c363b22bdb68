#include "aws/sigv4.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "base/hash.h"

namespace facefleet::aws {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kScopeEnd = "aws4_request";
constexpr std::int64_t kSkewMs = 15 * 60 * 1'000;
constexpr std::int64_t kPresignedSecondsMax = 7 * 24 * 3'600;
constexpr std::size_t kKeysRemembered = 8;

constexpr auto kUnreserved = [] {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}();

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

void append_byte(std::string& out, unsigned char byte, bool keep_slash) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  if (kUnreserved[byte] || (keep_slash && byte == '/')) {
    out += static_cast<char>(byte);
  } else {
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
}

// The one canonical spelling of text that is percent-encoded already, by whatever client: escapes of unreserved
// characters are undone, all others upper case, and what should have been escaped is. An escaped slash stays escaped.
void append_canonical(std::string& out, std::string_view encoded, bool keep_slash) {
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    if (encoded[i] == '%' && i + 2 < encoded.size() && hex_digit(encoded[i + 1]) >= 0 &&
        hex_digit(encoded[i + 2]) >= 0) {
      append_byte(out, static_cast<unsigned char>(hex_digit(encoded[i + 1]) << 4 | hex_digit(encoded[i + 2])), false);
      i += 2;
    } else {
      append_byte(out, static_cast<unsigned char>(encoded[i]), keep_slash);
    }
  }
}

// RFC 3986 5.2.4, and, as AWS asks, without empty segments.
std::string without_dot_segments(std::string_view path) {
  std::vector<std::string_view> kept;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, end - at);
    at = end + 1;
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!segment.empty() && segment != ".") {
      kept.push_back(segment);
    }
  }
  std::string out;
  for (const std::string_view segment : kept) out.append("/").append(segment);
  if (out.empty() || path.ends_with('/')) out += '/';
  return out;
}

void append_canonical_path(std::string& out, std::string_view path, bool s3) {
  if (path.empty()) {
    out += '/';
  } else if (s3) {
    append_canonical(out, path, /*keep_slash=*/true);
  } else if (path == "/") {
    out += '/';
  } else {
    for (const char c : without_dot_segments(path)) append_byte(out, static_cast<unsigned char>(c), true);
  }
}

// Sorted by encoded name, then encoded value. `dropped`: a parameter to leave out (a presigned URL's own signature).
void append_canonical_query(std::string& out, std::string_view query, std::string_view dropped) {
  if (query.empty()) return;
  std::vector<std::pair<std::string, std::string>> parameters;
  for (std::size_t at = 0; at < query.size();) {
    const std::size_t end = std::min(query.find('&', at), query.size());
    const std::string_view pair = query.substr(at, end - at);
    at = end + 1;
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (!dropped.empty() && pair.substr(0, equals) == dropped) continue;
    auto& [name, value] = parameters.emplace_back();
    append_canonical(name, pair.substr(0, equals), false);
    append_canonical(value, pair.substr(std::min(equals + 1, pair.size())), false);
  }
  std::sort(parameters.begin(), parameters.end());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (i > 0) out += '&';
    out.append(parameters[i].first).append("=").append(parameters[i].second);
  }
}

struct Field {
  std::string name;  // lower case
  std::string_view value;
};

// By name; fields of one name stay in the order in which they arrived.
std::vector<Field> sorted_fields(const net::Headers& headers) {
  std::vector<Field> fields;
  fields.reserve(headers.all().size());
  for (const auto& [name, value] : headers.all()) {
    std::string& lower = fields.emplace_back(Field{name, value}).name;
    for (char& c : lower)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  std::stable_sort(fields.begin(), fields.end(), [](const Field& a, const Field& b) { return a.name < b.name; });
  return fields;
}

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Trimmed, and each run of white space folded to one blank.
void append_folded(std::string& out, std::string_view value) {
  bool pending = false;
  const std::size_t start = out.size();
  for (const char c : value) {
    if (is_blank(c)) {
      pending = out.size() > start;
    } else {
      if (pending) out += ' ';
      pending = false;
      out += c;
    }
  }
}

struct Canonical {
  const net::HttpRequest& request;
  const std::vector<Field>& fields;
  std::string_view signed_headers;  // `host;x-amz-date`
  std::string_view payload_hash;
  std::string_view dropped_parameter;
  bool s3 = false;
};

std::string canonical_request(const Canonical& from) {
  std::string out;
  out.reserve(512 + from.request.target.size());
  out.append(from.request.method).append("\n");
  append_canonical_path(out, from.request.path(), from.s3);
  out += '\n';
  append_canonical_query(out, from.request.query(), from.dropped_parameter);
  out += '\n';
  for (std::size_t at = 0; at < from.signed_headers.size();) {
    const std::size_t end = std::min(from.signed_headers.find(';', at), from.signed_headers.size());
    const std::string_view name = from.signed_headers.substr(at, end - at);
    at = end + 1;
    out.append(name).append(":");
    auto field = std::lower_bound(from.fields.begin(), from.fields.end(), name,
                                  [](const Field& f, std::string_view wanted) { return f.name < wanted; });
    for (bool first = true; field != from.fields.end() && field->name == name; ++field, first = false) {
      if (!first) out += ',';
      append_folded(out, field->value);
    }
    out += '\n';
  }
  out.append("\n").append(from.signed_headers).append("\n").append(from.payload_hash);
  return out;
}

// The signature, 64 hex digits, of a canonical request made at `amz_date` (YYYYMMDDTHHMMSSZ).
std::string signature(std::string_view canonical, std::string_view amz_date, std::string_view secret,
                      const Scope& scope, SigningKeys* keys) {
  const std::string_view date = amz_date.substr(0, 8);
  std::string to_sign;
  to_sign.reserve(192);
  to_sign.append(kAlgorithm).append("\n").append(amz_date).append("\n").append(date).append("/");
  to_sign.append(scope.region).append("/").append(scope.service).append("/").append(kScopeEnd).append("\n");
  to_sign.append(hex(sha256(canonical)));
  SigningKeys own;
  return hex(hmac_sha256((keys != nullptr ? *keys : own).get(secret, date, scope), to_sign));
}

std::string format_amz_date(std::int64_t wall_ms) {
  using namespace std::chrono;
  const sys_seconds time{seconds(wall_ms / 1'000)};
  const sys_days day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  std::string out = "00000000T000000Z";
  const auto put = [&out](std::size_t at, int digits, std::int64_t value) {
    for (int i = digits; i-- > 0; value /= 10)
      out[at + static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
  };
  put(0, 4, static_cast<int>(date.year()));
  put(4, 2, static_cast<unsigned>(date.month()));
  put(6, 2, static_cast<unsigned>(date.day()));
  put(9, 2, clock.hours().count());
  put(11, 2, clock.minutes().count());
  put(13, 2, clock.seconds().count());
  return out;
}

std::optional<std::int64_t> parse_amz_date(std::string_view text) {
  using namespace std::chrono;
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  bool digits = true;
  const auto take = [&](std::size_t at, std::size_t count) {
    int value = 0;
    for (const char c : text.substr(at, count)) {
      digits = digits && c >= '0' && c <= '9';
      value = value * 10 + (c - '0');
    }
    return value;
  };
  const year_month_day date(year(take(0, 4)), month(static_cast<unsigned>(take(4, 2))),
                            day(static_cast<unsigned>(take(6, 2))));
  const seconds clock = hours(take(9, 2)) + minutes(take(11, 2)) + seconds(take(13, 2));
  if (!digits || !date.ok() || clock >= hours(24)) return std::nullopt;
  return duration_cast<milliseconds>((sys_days(date) + clock).time_since_epoch()).count();
}

// Headers that a hop or an HTTP client adds or changes after signing; botocore leaves out the same ones.
bool is_signable(std::string_view lower_name) {
  constexpr std::array<std::string_view, 6> kUnsigned = {"authorization",     "connection", "expect",
                                                         "transfer-encoding", "user-agent", "x-amzn-trace-id"};
  return std::find(kUnsigned.begin(), kUnsigned.end(), lower_name) == kUnsigned.end();
}

Error denied(std::string reason, std::string message) {
  return Error{Code::kDenied, std::move(message), std::move(reason)};
}

Error incomplete(std::string message) { return denied("IncompleteSignature", std::move(message)); }

// What a request says of its own signature, wherever it says it.
struct Claim {
  std::string access_key_id;
  std::string date;  // YYYYMMDD of the credential scope
  Scope scope;
  std::string signed_headers;
  std::string signature;
  std::string amz_date;
  std::int64_t signed_ms = 0;
  std::optional<std::int64_t> expires_s;  // presigned only

  bool s3() const { return scope.service == "s3"; }
  bool ec2() const { return scope.service == "ec2"; }
};

// AKID/20150830/us-east-1/sqs/aws4_request; an access key id may itself hold slashes.
bool split_credential(std::string_view credential, Claim& claim) {
  std::array<std::string_view, 4> parts;
  for (std::size_t i = parts.size(); i-- > 0;) {
    const std::size_t slash = credential.rfind('/');
    if (slash == std::string_view::npos) return false;
    parts[i] = credential.substr(slash + 1);
    credential = credential.substr(0, slash);
  }
  if (credential.empty() || parts[0].size() != 8 || parts[2].empty() || parts[3] != kScopeEnd) return false;
  claim.access_key_id = credential;
  claim.date = parts[0];
  claim.scope = Scope{std::string(parts[1]), std::string(parts[2])};
  return true;
}

// The claim in `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.
Result<Claim> claim_of_header(std::string_view authorization, const net::Headers& headers) {
  if (!authorization.starts_with(kAlgorithm))
    return incomplete("The Authorization header must begin with AWS4-HMAC-SHA256.");
  Claim claim;
  std::string_view credential;
  std::string_view rest = authorization.substr(kAlgorithm.size());
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    std::string_view part = rest.substr(0, end);
    rest = rest.substr(std::min(end + 1, rest.size()));
    while (!part.empty() && is_blank(part.front())) part.remove_prefix(1);
    while (!part.empty() && is_blank(part.back())) part.remove_suffix(1);
    const std::size_t equals = std::min(part.find('='), part.size());
    const std::string_view name = part.substr(0, equals);
    const std::string_view value = part.substr(std::min(equals + 1, part.size()));
    if (name == "Credential") credential = value;
    if (name == "SignedHeaders") claim.signed_headers = value;
    if (name == "Signature") claim.signature = value;
  }
  if (credential.empty()) return incomplete("Authorization header requires 'Credential' parameter.");
  if (claim.signed_headers.empty()) return incomplete("Authorization header requires 'SignedHeaders' parameter.");
  if (claim.signature.empty()) return incomplete("Authorization header requires 'Signature' parameter.");
  if (!split_credential(credential, claim))
    return incomplete("Credential must have the form KEY/YYYYMMDD/REGION/SERVICE/aws4_request.");
  const auto amz_date = headers.get("x-amz-date");
  if (!amz_date) return incomplete("Authorization header requires existence of an 'X-Amz-Date' header.");
  claim.amz_date = *amz_date;
  return claim;
}

// The claim in `?X-Amz-Algorithm=…&X-Amz-Credential=…&…`; nothing if the query makes none.
Result<std::optional<Claim>> claim_of_query(std::string_view query) {
  if (query.find("X-Amz-Algorithm=") == std::string_view::npos) return std::optional<Claim>();
  Claim claim;
  std::string algorithm, credential, expires;
  for (auto& [name, value] : net::parse_form(query)) {
    if (name == "X-Amz-Algorithm")
      algorithm = std::move(value);
    else if (name == "X-Amz-Credential")
      credential = std::move(value);
    else if (name == "X-Amz-SignedHeaders")
      claim.signed_headers = std::move(value);
    else if (name == "X-Amz-Signature")
      claim.signature = std::move(value);
    else if (name == "X-Amz-Date")
      claim.amz_date = std::move(value);
    else if (name == "X-Amz-Expires")
      expires = std::move(value);
  }
  std::int64_t seconds = -1;
  const auto parsed = std::from_chars(expires.data(), expires.data() + expires.size(), seconds);
  if (parsed.ptr != expires.data() + expires.size() || seconds < 0 || seconds > kPresignedSecondsMax)
    return incomplete("X-Amz-Expires must be a number of seconds between 0 and 604800.");
  claim.expires_s = seconds;
  if (algorithm != kAlgorithm || claim.signed_headers.empty() || claim.signature.empty() || claim.amz_date.empty() ||
      !split_credential(credential, claim))
    return incomplete("A presigned URL needs X-Amz-Algorithm, -Credential, -Date, -SignedHeaders and -Signature.");
  return std::optional<Claim>(std::move(claim));
}

Result<Claim> read_claim(const net::HttpRequest& request) {
  Claim claim;
  if (const auto authorization = request.headers.get("authorization")) {
    auto read = claim_of_header(*authorization, request.headers);
    if (!read) return read;
    claim = std::move(*read);
  } else {
    auto read = claim_of_query(request.query());
    if (!read) return read.error();
    if (!*read) return denied("MissingAuthenticationToken", "Request is missing Authentication Token");
    claim = std::move(**read);
  }
  const auto signed_ms = parse_amz_date(claim.amz_date);
  if (!signed_ms) return incomplete("Date must be in ISO-8601 'basic format', such as 20150830T123600Z.");
  claim.signed_ms = *signed_ms;
  if (claim.date != std::string_view(claim.amz_date).substr(0, 8))
    return denied("SignatureDoesNotMatch", "Date in Credential scope does not match YYYYMMDD from X-Amz-Date.");
  return claim;
}

Result<void> check_time(const Claim& claim, std::int64_t wall_ms) {
  const std::int64_t age_ms = wall_ms - claim.signed_ms;
  const std::int64_t age_ms_max = claim.expires_s ? *claim.expires_s * 1'000 : kSkewMs;
  if (age_ms >= -kSkewMs && age_ms <= age_ms_max) return {};
  if (claim.ec2()) return denied("RequestExpired", "Request has expired.");
  if (claim.expires_s) return denied("AccessDenied", age_ms > 0 ? "Request has expired" : "Request is not yet valid");
  if (claim.s3())
    return denied("RequestTimeTooSkewed", "The difference between the request time and the current time is too large.");
  const std::string limit = format_amz_date(wall_ms - (age_ms > 0 ? kSkewMs : -kSkewMs));
  return denied("SignatureDoesNotMatch", age_ms > 0 ? "Signature expired: " + claim.amz_date + " is now earlier than " +
                                                          limit + " (now - 15 min.)"
                                                    : "Signature not yet current: " + claim.amz_date +
                                                          " is still later than " + limit + " (now + 15 min.)");
}

bool lists(std::string_view signed_headers, std::string_view name) {
  for (std::size_t at = 0; at < signed_headers.size();) {
    const std::size_t end = std::min(signed_headers.find(';', at), signed_headers.size());
    if (signed_headers.substr(at, end - at) == name) return true;
    at = end + 1;
  }
  return false;
}

// A header that changes what a request means must be signed, or a stranger could add it.
Result<void> check_signed_headers(const Claim& claim, const std::vector<Field>& fields) {
  if (!lists(claim.signed_headers, "host"))
    return denied("SignatureDoesNotMatch", "'Host' must be a 'SignedHeader' in the AWS Authorization.");
  for (const Field& field : fields)
    if (field.name.starts_with("x-amz-") && !lists(claim.signed_headers, field.name))
      return denied("AccessDenied", "There were headers present in the request which were not signed: " + field.name);
  return {};
}

}  // namespace

bool is_payload_marker(std::string_view payload) {
  return payload == kUnsignedPayload || payload.starts_with("STREAMING-");
}

const std::string& SigningKeys::get(std::string_view secret, std::string_view date, const Scope& scope) {
  for (const Entry& entry : entries_)
    if (entry.date == date && entry.service == scope.service && entry.region == scope.region && entry.secret == secret)
      return entry.key;
  std::string start = "AWS4";
  start += secret;
  const std::string of_date = hmac_sha256(start, date);
  const std::string of_region = hmac_sha256(of_date, scope.region);
  const std::string of_service = hmac_sha256(of_region, scope.service);
  Entry entry{std::string(secret), std::string(date), scope.region, scope.service, hmac_sha256(of_service, kScopeEnd)};
  if (entries_.size() < kKeysRemembered) return entries_.emplace_back(std::move(entry)).key;
  Entry& replaced = entries_[oldest_];
  oldest_ = (oldest_ + 1) % kKeysRemembered;
  replaced = std::move(entry);
  return replaced.key;
}

void sign(net::HttpRequest& request, const Credentials& credentials, const Scope& scope, std::int64_t wall_ms,
          std::optional<std::string> payload_sha256_hex, SigningKeys* keys) {
  const std::string amz_date = format_amz_date(wall_ms);
  const std::string payload_hash = payload_sha256_hex ? std::move(*payload_sha256_hex) : hex(sha256(request.body));
  const bool s3 = scope.service == "s3";
  request.headers.set("X-Amz-Date", amz_date);
  if (!credentials.session_token.empty()) request.headers.set("X-Amz-Security-Token", credentials.session_token);
  if (s3) request.headers.set("X-Amz-Content-Sha256", payload_hash);

  const std::vector<Field> fields = sorted_fields(request.headers);
  std::string signed_headers;
  const std::string* previous = nullptr;
  for (const Field& field : fields) {
    if (!is_signable(field.name) || (previous != nullptr && *previous == field.name)) continue;
    if (previous != nullptr) signed_headers += ';';
    signed_headers += field.name;
    previous = &field.name;
  }
  const std::string canonical = canonical_request({request, fields, signed_headers, payload_hash, {}, s3});

  std::string authorization;
  authorization.reserve(256 + signed_headers.size());
  authorization.append(kAlgorithm).append(" Credential=").append(credentials.access_key_id).append("/");
  authorization.append(amz_date, 0, 8).append("/").append(scope.region).append("/").append(scope.service).append("/");
  authorization.append(kScopeEnd).append(", SignedHeaders=").append(signed_headers).append(", Signature=");
  authorization.append(signature(canonical, amz_date, credentials.secret_access_key, scope, keys));
  request.headers.set("Authorization", std::move(authorization));
}

Result<Verified> verify(const net::HttpRequest& request,
                        const std::function<std::optional<std::string>(std::string_view access_key_id)>& secret_of,
                        std::int64_t wall_ms, SigningKeys* keys) {
  auto verified = verify_head(request, secret_of, wall_ms, keys);
  if (verified && verified->scope.service == "s3" && !is_payload_marker(verified->payload) &&
      verified->payload != hex(sha256(request.body)))
    return Error{Code::kInvalidInput, "The provided 'x-amz-content-sha256' header does not match what was computed.",
                 "XAmzContentSHA256Mismatch"};
  return verified;
}

Result<Verified> verify_head(const net::HttpRequest& request,
                             const std::function<std::optional<std::string>(std::string_view access_key_id)>& secret_of,
                             std::int64_t wall_ms, SigningKeys* keys) {
  auto claim = read_claim(request);
  if (!claim) return claim.error();
  const auto secret = secret_of(claim->access_key_id);
  if (!secret) {
    if (claim->s3())
      return denied("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.");
    if (claim->ec2()) return denied("AuthFailure", "AWS was not able to validate the provided access credentials");
    return denied("InvalidClientTokenId", "The security token included in the request is invalid.");
  }
  if (auto timely = check_time(*claim, wall_ms); !timely) return timely.error();
  const std::vector<Field> fields = sorted_fields(request.headers);
  if (auto whole = check_signed_headers(*claim, fields); !whole) return whole.error();

  std::string payload_hash;
  if (const auto stated = request.headers.get("x-amz-content-sha256"); stated && claim->s3()) {
    payload_hash = *stated;
  } else if (claim->s3()) {
    if (!claim->expires_s)
      return Error{Code::kInvalidInput, "Missing required header for this request: x-amz-content-sha256",
                   "InvalidRequest"};
    payload_hash = kUnsignedPayload;
  } else {
    payload_hash = hex(sha256(request.body));
  }

  const std::string canonical =
      canonical_request({request, fields, claim->signed_headers, payload_hash,
                         claim->expires_s ? "X-Amz-Signature" : std::string_view(), claim->s3()});
  const std::string expected = signature(canonical, claim->amz_date, *secret, claim->scope, keys);
  if (!equal_constant_time(expected, claim->signature)) {
    if (claim->ec2()) return denied("AuthFailure", "AWS was not able to validate the provided access credentials");
    return denied("SignatureDoesNotMatch",
                  "The request signature we calculated does not match the signature you provided. Check your AWS "
                  "Secret Access Key and signing method.");
  }
  return Verified{std::move(claim->access_key_id), std::move(claim->scope), std::move(payload_hash)};
}

}  // namespace facefleet::aws
