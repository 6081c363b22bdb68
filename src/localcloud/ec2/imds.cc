#include "localcloud/ec2/imds.h"

#include <charconv>
#include <map>
#include <set>

#include "aws/dates.h"
#include "aws/wire.h"
#include "base/hash.h"
#include "localcloud/ec2/call.h"
#include "localcloud/ec2/instance_facts.h"

namespace facefleet::localcloud::ec2 {
namespace {

constexpr std::string_view kPrefix = "/~imds/";
constexpr std::string_view kTtlHeader = "x-aws-ec2-metadata-token-ttl-seconds";
constexpr std::string_view kTokenHeader = "x-aws-ec2-metadata-token";
constexpr std::int64_t kTtlMax_s = 21'600;
constexpr std::string_view kRole = "facefleet-worker";
constexpr std::int64_t kCredentialsLast_ms = 6 * 3'600'000;
// An instance that is tagged so, with a time such as 2026-01-31T12:00:00Z, finds EC2's notice that its spot capacity
// ends then.
constexpr const char* kSpotTag = "facefleet:spot-termination";

net::HttpResponse plain(int status, std::string body) {
  net::HttpResponse response = net::HttpResponse::text(status, std::move(body));
  response.headers.set("Server", "EC2ws");
  return response;
}

// One object of texts, as EC2 writes its documents.
std::string json_object(const std::vector<std::pair<std::string_view, std::string>>& members) {
  std::string text;
  for (const auto& [name, value] : members) {
    text += text.empty() ? "{\n  " : ",\n  ";
    aws::append_json_string(text, name);
    text += " : ";
    aws::append_json_string(text, value);
  }
  return text + "\n}";
}

using Leaves = std::map<std::string, std::string>;  // path below /latest/ -> text

void add_spot_notice(Leaves& leaves, const fleet::Instance& instance) {
  const auto notice = instance.tags.find(kSpotTag);
  if (notice == instance.tags.end() || !aws::parse_iso8601(notice->second)) return;
  leaves["meta-data/spot/instance-action"] = json_object({{"action", "terminate"}, {"time", notice->second}});
  leaves["meta-data/spot/termination-time"] = notice->second;
}

Leaves facts_of(const fleet::Instance& instance, const std::string& region, const std::string& account) {
  const std::string image(image_of(instance)), type(type_of(instance)), address(kAddress), zone = region + "a";
  Leaves leaves{{"meta-data/ami-id", image},
                {"meta-data/ami-launch-index", "0"},
                {"meta-data/hostname", "localhost"},
                {"meta-data/instance-id", instance.id},
                {"meta-data/instance-life-cycle", "on-demand"},
                {"meta-data/instance-type", type},
                {"meta-data/local-hostname", "localhost"},
                {"meta-data/local-ipv4", address},
                {"meta-data/placement/availability-zone", zone},
                {"meta-data/placement/region", region},
                {"meta-data/public-ipv4", address},
                {"meta-data/reservation-id", reservation_id(instance)},
                {"meta-data/services/domain", "amazonaws.com"},
                {"meta-data/tags/instance/Name", instance.name}};
  for (const auto& [key, value] : instance.tags) leaves["meta-data/tags/instance/" + key] = value;
  leaves["dynamic/instance-identity/document"] = json_object({{"accountId", account},
                                                              {"architecture", "x86_64"},
                                                              {"availabilityZone", zone},
                                                              {"imageId", image},
                                                              {"instanceId", instance.id},
                                                              {"instanceType", type},
                                                              {"pendingTime", iso8601(instance.launched_ms)},
                                                              {"privateIp", address},
                                                              {"region", region},
                                                              {"version", "2017-09-30"}});
  add_spot_notice(leaves, instance);
  return leaves;
}

void add_credentials(Leaves& leaves, const aws::Credentials& credentials, std::int64_t now_ms) {
  leaves["meta-data/iam/security-credentials/" + std::string(kRole)] =
      json_object({{"Code", "Success"},
                   {"LastUpdated", iso8601(now_ms)},
                   {"Type", "AWS-HMAC"},
                   {"AccessKeyId", credentials.access_key_id},
                   {"SecretAccessKey", credentials.secret_access_key},
                   {"Token", credentials.session_token},
                   {"Expiration", iso8601(now_ms + kCredentialsLast_ms)}});
}

// The text at `path`, or, if it is a folder, what is in it, a line each.
net::HttpResponse look_up(const Leaves& leaves, std::string path) {
  if (const auto leaf = leaves.find(path); leaf != leaves.end()) return plain(200, leaf->second);
  if (!path.empty() && path.back() != '/') path += '/';
  std::set<std::string> inside;
  for (auto leaf = leaves.lower_bound(path); leaf != leaves.end() && leaf->first.starts_with(path); ++leaf) {
    const auto slash = leaf->first.find('/', path.size());
    inside.insert(leaf->first.substr(path.size(), slash == std::string::npos ? slash : slash + 1 - path.size()));
  }
  if (inside.empty()) return plain(404, "Not Found");
  std::string lines;
  for (const std::string& name : inside) lines += (lines.empty() ? "" : "\n") + name;
  return plain(200, lines);
}

struct Address {
  std::string id, key, rest;
};

// Of /~imds/<id>/<key>/<rest>: all three, decoded; those that are missing are empty.
Address address_of(const net::HttpRequest& request) {
  std::string path = net::percent_decode(request.path().substr(kPrefix.size()));
  const auto take = [&path] {
    const std::size_t slash = std::min(path.find('/'), path.size());
    std::string part = path.substr(0, slash);
    path.erase(0, slash + 1);
    return part;
  };
  Address address;
  address.id = take();
  address.key = take();
  address.rest = std::move(path);
  return address;
}

std::string key_of(std::string_view id, const aws::Credentials& credentials) {
  return hex(hmac_sha256(credentials.secret_access_key, "imds " + std::string(id)));
}

std::string fresh_secret(Random& random) { return random_hex(random, 64); }

}  // namespace

Imds::Imds(fleet::Fleet* fleet, std::string region, std::string account, aws::Credentials credentials,
           const Clock& clock, Random& random)
    : fleet_(fleet),
      region_(std::move(region)),
      account_(std::move(account)),
      credentials_(std::move(credentials)),
      clock_(clock),
      secret_(fresh_secret(random)) {}

std::string Imds::path_of(std::string_view id, const aws::Credentials& credentials) {
  return std::string(kPrefix) + std::string(id) + "/" + key_of(id, credentials);
}

bool Imds::is_for(const net::HttpRequest& request) { return request.path().starts_with(kPrefix); }

// What a proxy forwards comes from another machine, which must not learn this one's credentials.
net::HttpResponse Imds::give_token(const net::HttpRequest& request, std::string_view id) const {
  if (request.headers.get("x-forwarded-for")) return plain(403, "Forbidden");
  const std::string_view ttl = request.headers.get(kTtlHeader).value_or("");
  std::int64_t seconds = 0;
  const auto parsed = std::from_chars(ttl.data(), ttl.data() + ttl.size(), seconds);
  if (parsed.ec != std::errc() || parsed.ptr != ttl.data() + ttl.size() || seconds < 1 || seconds > kTtlMax_s)
    return plain(400, "Bad Request");
  net::HttpResponse response = plain(200, seal(id, clock_.wall_ms() + seconds * 1'000));
  response.headers.set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", std::to_string(seconds));
  return response;
}

// A token says until when it is good, and proves that it was given to this instance: nothing need be remembered.
std::string Imds::seal(std::string_view id, std::int64_t expires_ms) const {
  const std::string until = std::to_string(expires_ms);
  return until + "-" + hex(hmac_sha256(secret_, until + " " + std::string(id)));
}

bool Imds::is_good_token(std::string_view token, std::string_view id) const {
  std::int64_t expires_ms = 0;
  const auto parsed = std::from_chars(token.data(), token.data() + token.size(), expires_ms);
  return parsed.ec == std::errc() && clock_.wall_ms() < expires_ms && equal_constant_time(token, seal(id, expires_ms));
}

Task<net::HttpResponse> Imds::serve(const net::HttpRequest& request) const {
  auto [id, key, path] = address_of(request);
  fleet::Instance asking;
  if (fleet_ != nullptr) {
    const auto listed = co_await fleet_->list();
    if (!listed) co_return plain(503, listed.error().message);
    for (const fleet::Instance& instance : *listed)
      if (instance.id == id && takes_room(instance.state)) asking = instance;
  }
  const bool is_its_own = equal_constant_time(key, key_of(id, credentials_));
  if (asking.id.empty() || !is_its_own || !path.starts_with("latest")) co_return plain(404, "Not Found");
  if (path == "latest/api/token")
    co_return request.method == "PUT" ? give_token(request, id) : plain(405, "Method Not Allowed");
  if (request.method != "GET") co_return plain(405, "Method Not Allowed");
  if (!is_good_token(request.headers.get(kTokenHeader).value_or(""), id)) co_return plain(401, "Unauthorized");
  Leaves leaves = facts_of(asking, region_, account_);
  add_credentials(leaves, credentials_, clock_.wall_ms());
  path.erase(0, path.starts_with("latest/") ? 7 : 6);
  co_return look_up(leaves, std::move(path));
}

}  // namespace facefleet::localcloud::ec2
