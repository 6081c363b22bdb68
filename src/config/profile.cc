#include "config/profile.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <sstream>
#include <variant>

#define TOML_HEADER_ONLY 0
#include <toml++/toml.h>

#include "base/file.h"

namespace facefleet::config {
namespace {

using Member = std::variant<std::string Profile::*, bool Profile::*, std::int64_t Profile::*, double Profile::*,
                            std::vector<std::string> Profile::*>;

constexpr double kAny = std::numeric_limits<double>::infinity();

// One row a key: everything that there is to know about it.
struct Key {
  std::string_view name;
  Member member;
  std::string_view help;
  double min = -kAny, max = kAny;              // numbers
  std::vector<std::string_view> choices = {};  // texts; empty: free
};

// A table, however long.  NOLINTNEXTLINE(readability-function-size)
const std::vector<Key>& keys() {
  static const std::vector<Key> table = {
      {"name", &Profile::name, "what this profile is called"},
      {"id", &Profile::id, "which system: queues and buckets are named by it, as the keys of [names] say"},
      {"names.request_queue", &Profile::names_request_queue, "the queue of jobs; {id} is the system's id"},
      {"names.response_queue", &Profile::names_response_queue, "the queue of answers"},
      {"names.in_bucket", &Profile::names_in_bucket, "the view of photos by their uploaded names (gateway.views)"},
      {"names.out_bucket", &Profile::names_out_bucket, "the view of labels by the photos' names up to the first dot"},
      {"jobs.message",
       &Profile::jobs_message,
       "what a message carries: the photo's name, or inline the photo too, in base 64",
       -kAny,
       kAny,
       {"name", "inline"}},
      {"jobs.kind",
       &Profile::jobs_kind,
       "what is asked of a photo: who is in it, or what",
       -kAny,
       kAny,
       {"recognise", "classify"}},
      {"queue.message_bytes_max", &Profile::queue_message_bytes_max, "MaximumMessageSize of the request queue", 1'024,
       1'048'576},
      {"gateway.listen", &Profile::gateway_listen, "host:port of the page and the API; port 0: any free one"},
      {"gateway.open", &Profile::gateway_open, "serve beyond loopback without an API key"},
      {"gateway.hosts", &Profile::gateway_hosts, "further Host names that requests may carry"},
      {"gateway.reply",
       &Profile::gateway_reply,
       "what POST / answers unless Accept decides",
       -kAny,
       kAny,
       {"text", "file", "label", "json_string", "json"}},
      {"gateway.views", &Profile::gateway_views,
       "keep the in-bucket (name -> photo) and the out-bucket (stem -> label)"},
      {"gateway.reuse", &Profile::gateway_reuse, "answer known photos from their stored outcome"},
      {"gateway.answer_timeout_s", &Profile::gateway_answer_timeout_s, "a waiting caller gets 504 after so long", 1,
       86'400},
      {"gateway.photo_mb_max", &Profile::gateway_photo_mb_max, "largest photo, MiB", 1, 1'000},
      {"gateway.body_mb_max", &Profile::gateway_body_mb_max, "largest request body, MiB", 1, 4'000},
      {"gateway.files_max", &Profile::gateway_files_max, "most photos in one request", 1, 10'000},
      {"gateway.queue_length_max", &Profile::gateway_queue_length_max, "429 when more jobs wait", 1, 10'000'000},
      {"gateway.wait_max_s", &Profile::gateway_wait_max_s, "429 when the predicted wait is longer", 1, 86'400},
      {"gateway.own_response_queue", &Profile::gateway_own_response_queue,
       "for several gateways: each makes <names.response_queue>-<its id>, and removes it when it leaves"},
      {"gateway.dead_after_s", &Profile::gateway_dead_after_s,
       "the response queue of a gateway that gave no sign of life for so long is removed by the others", 1, 86'400},
      {"cloud.listen", &Profile::cloud_listen,
       "host:port of the doors (SQS, S3, EC2, DynamoDB, STS); port 0: any free one"},
      {"cloud.region", &Profile::cloud_region, "region that the doors name"},
      {"fleet.workers_max", &Profile::fleet_workers_max, "most workers at a time; 0: one a core", 0, 1'000},
      {"fleet.start_delay_s", &Profile::fleet_start_delay_s, "an instance is pending so long, as EC2's are", 0, 600},
      {"fleet.stop_grace_s", &Profile::fleet_stop_grace_s, "a leaving worker is killed after so long", 1, 3'600},
      {"fleet.instance_prefix", &Profile::fleet_instance_prefix,
       "an instance's tag Name: this and the lowest free number"},
      {"fleet.gateway_name", &Profile::fleet_gateway_name, "the tag Name under which the gateway is an instance"},
      {"fleet.pool", &Profile::fleet_pool,
       "workers_max stopped instances are there from the start; the autoscaler starts and stops those"},
      {"fleet.running_floor", &Profile::fleet_running_floor, "so many workers are kept though there is no work", 0,
       1'000},
      {"fleet.image_id", &Profile::fleet_image_id, "on AWS: the image that workers are launched from"},
      {"fleet.instance_type", &Profile::fleet_instance_type, "on AWS: what they are launched as"},
      {"fleet.key_name", &Profile::fleet_key_name, "on AWS: the key pair to log in with; empty: none"},
      {"fleet.subnet_id", &Profile::fleet_subnet_id, "on AWS: where they are launched; empty: the default subnet"},
      {"fleet.security_groups", &Profile::fleet_security_groups, "on AWS: ids of their security groups"},
      {"fleet.instance_profile", &Profile::fleet_instance_profile,
       "on AWS: the IAM instance profile that lets them reach queues, buckets and their own tags"},
      {"fleet.user_data_file", &Profile::fleet_user_data_file,
       "on AWS: a file with what an instance runs at its start"},
      {"autoscaler.policy", &Profile::autoscaler_policy, "how many workers are wanted"},
      {"autoscaler.jobs_per_worker", &Profile::autoscaler_jobs_per_worker,
       "jobs a worker may have before another is wanted (policy backlog-per-worker)", 0.01, 1'000'000},
      {"autoscaler.wait_s", &Profile::autoscaler_wait_s,
       "19 of 20 jobs wait no longer until a worker begins; what the policy `default` holds with the fewest workers",
       0.05, 3'600},
      {"autoscaler.idle_hold_s", &Profile::autoscaler_idle_hold_s,
       "a worker leaves after being idle so long (policies default, backlog-per-worker, queue-length-15)", 0, 86'400},
      {"autoscaler.tick_s", &Profile::autoscaler_tick_s, "how often queue and fleet are looked at", 0.01, 60},
      {"worker.prefetch", &Profile::worker_prefetch, "jobs leased beyond the one in work; 0: one message at a time", 0,
       9},
      {"worker.lease_s", &Profile::worker_lease_s, "visibility time-out of a job", 1, 43'200},
      {"worker.receives_max", &Profile::worker_receives_max, "deliveries after which a job counts as poison", 2, 1'000},
      {"worker.ends_itself_s", &Profile::worker_ends_itself_s,
       "a worker that has found no job for so long ends its own instance; 0: never", 0, 86'400},
      {"worker.idle_poll_s", &Profile::worker_idle_poll_s,
       "a worker that found no job asks again after so long; 0: its ask waits for one", 0, 600},
      {"vision.detector", &Profile::vision_detector, "name of a model card"},
      {"vision.embedder", &Profile::vision_embedder, "name of a model card"},
      {"vision.classifier", &Profile::vision_classifier, "name of a model card; loaded where jobs.kind is classify"},
      {"vision.precision", &Profile::vision_precision, "of the embedder", -kAny, kAny, {"auto", "f32", "bf16"}},
      {"vision.threshold", &Profile::vision_threshold, "cosine similarity from which a match is a match; 0: the card's",
       0, 1},
      {"gallery.chips", &Profile::gallery_chips,
       "keep the aligned face of each template, for export and for a model to come"},
      {"retention.photo",
       &Profile::retention_photo,
       "photos go once answered, or are kept",
       -kAny,
       kAny,
       {"answered", "keep"}},
      {"retention.outcome_hours", &Profile::retention_outcome_hours, "outcomes can be read for so long", 0.01, 87'600},
      {"outcomes.in",
       &Profile::outcomes_in,
       "where outcomes are kept for reuse: in the bucket <id>-jobs, or in the DynamoDB table <id>-dynamoDB",
       -kAny,
       kAny,
       {"objects", "table"}},
      {"outcomes.region", &Profile::outcomes_region, "region of that table; empty: that of everything else"},
      {"lesson.service_s", &Profile::lesson_service_s, "for a class to watch: a job takes a worker at least so long", 0,
       600},
      {"lesson.start_s", &Profile::lesson_start_s, "for a class to watch: an instance is pending at least so long", 0,
       600},
  };
  return table;
}

const Key* find(std::string_view name) {
  const auto it = std::ranges::find(keys(), name, &Key::name);
  return it == keys().end() ? nullptr : &*it;
}

std::string_view type_of(const Key& key) {
  constexpr std::array<std::string_view, 5> kNames = {"text", "true or false", "whole number", "number",
                                                      "list of texts"};
  return kNames[key.member.index()];
}

std::string number_text(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

std::string toml_text(std::string_view text) {
  std::ostringstream out;
  out << toml::value<std::string>(text);
  return out.str();
}

std::string value_text(const Profile& profile, const Key& key) {
  return std::visit(
      [&](auto member) -> std::string {
        const auto& value = profile.*member;
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, std::string>) return toml_text(value);
        if constexpr (std::is_same_v<T, bool>) return value ? "true" : "false";
        if constexpr (std::is_same_v<T, std::int64_t>) return std::to_string(value);
        if constexpr (std::is_same_v<T, double>) return number_text(value);
        if constexpr (std::is_same_v<T, std::vector<std::string>>) {
          std::string list = "[";
          for (const auto& item : value) list += (list.size() > 1 ? ", " : "") + toml_text(item);
          return list + "]";
        }
      },
      key.member);
}

Error bad_value(const Key& key, std::string_view why) {
  return {Code::kInvalidInput, std::string(key.name) + " " + std::string(why), "bad_value"};
}

Result<void> check(const Profile& profile, const Key& key) {
  double number = 0;
  if (const auto* whole = std::get_if<std::int64_t Profile::*>(&key.member))
    number = static_cast<double>(profile.*(*whole));
  else if (const auto* real = std::get_if<double Profile::*>(&key.member))
    number = profile.*(*real);
  else if (const auto* text = std::get_if<std::string Profile::*>(&key.member)) {
    if (key.choices.empty() || std::ranges::find(key.choices, profile.*(*text)) != key.choices.end()) return {};
    std::string names;
    for (const auto choice : key.choices) names += (names.empty() ? "" : ", ") + std::string(choice);
    return bad_value(key, "must be one of " + names);
  } else
    return {};
  if (std::isfinite(key.min) && !(number >= key.min && number <= key.max))
    return bad_value(key, "must be from " + number_text(key.min) + " to " + number_text(key.max));
  return {};
}

// What is wrong with the value, or nothing: stores it where the types agree (a whole number may stand for a number).
Result<void> store(Profile& profile, const Key& key, const toml::node& node) {
  const bool fits = std::visit(
      [&](auto member) -> bool {
        auto& slot = profile.*member;
        using T = std::decay_t<decltype(slot)>;
        if constexpr (std::is_same_v<T, std::vector<std::string>>) {
          const toml::array* list = node.as_array();
          if (list == nullptr) return false;
          slot.clear();
          for (const auto& item : *list) {
            if (!item.is_string()) return false;
            slot.push_back(**item.as_string());
          }
          return true;
        } else if constexpr (std::is_same_v<T, double>) {
          const auto value = node.is_number() ? node.value<double>() : std::nullopt;
          if (value) slot = *value;
          return value.has_value();
        } else {
          const auto value = node.value_exact<T>();
          if (value) slot = *value;
          return value.has_value();
        }
      },
      key.member);
  if (!fits) return bad_value(key, "must be a " + std::string(type_of(key)));
  return check(profile, key);
}

Result<void> read_table(Loaded& loaded, const toml::table& table, const std::string& prefix, std::string_view origin) {
  for (const auto& [word, node] : table) {
    const std::string name = prefix + std::string(word.str());
    const std::string at = std::string(origin) + ":" + std::to_string(node.source().begin.line) + ": ";
    if (const Key* key = find(name)) {
      if (auto stored = store(loaded.profile, *key, node); !stored)
        return Error{Code::kInvalidInput, at + stored.error().message, "bad_value"};
      loaded.origins[name] = origin;
    } else if (node.is_table() && prefix.empty()) {
      if (auto read = read_table(loaded, *node.as_table(), name + ".", origin); !read) return read;
    } else {
      return Error{Code::kInvalidInput,
                   at + "there is no key `" + name + "`; `facefleet config --explain` lists those there are",
                   "unknown_key"};
    }
  }
  return {};
}

}  // namespace

Result<Loaded> parse_profile(std::string_view text, std::string_view origin) {
  Loaded loaded;
  try {
    const toml::table table = toml::parse(text, origin);
    if (auto read = read_table(loaded, table, "", origin); !read) return read.error();
  } catch (const toml::parse_error& error) {
    return Error{
        Code::kInvalidInput,
        std::string(origin) + ":" + std::to_string(error.source().begin.line) + ": " + std::string(error.description()),
        "bad_toml"};
  }
  return loaded;
}

Result<Loaded> load_profile(const std::filesystem::path& file) {
  auto text = read_file(file);
  if (!text) return text.error();
  return parse_profile(*text, file.string());
}

Result<void> set_key(Loaded& loaded, std::string_view name, std::string_view value, std::string_view origin) {
  const Key* key = find(name);
  if (key == nullptr)
    return Error{Code::kInvalidInput,
                 "there is no key `" + std::string(name) + "`; `facefleet config --explain` lists those there are",
                 "unknown_key"};
  const bool is_text = std::holds_alternative<std::string Profile::*>(key->member);
  try {
    const toml::table table = toml::parse("v = " + (is_text ? toml_text(value) : std::string(value)));
    if (auto stored = store(loaded.profile, *key, *table.get("v")); !stored) return stored;
  } catch (const toml::parse_error&) {
    return bad_value(*key, "must be a " + std::string(type_of(*key)));
  }
  loaded.origins[std::string(name)] = origin;
  return {};
}

Result<void> set_keys(Loaded& loaded, const std::vector<std::string>& assignments) {
  for (const std::string_view assignment : assignments) {
    const auto equals = assignment.find('=');
    if (equals == std::string_view::npos)
      return Error{Code::kInvalidInput,
                   "--set takes key=value, as in --set fleet.workers_max=3; `" + std::string(assignment) + "` has no =",
                   "bad_value"};
    if (auto set = set_key(loaded, assignment.substr(0, equals), assignment.substr(equals + 1), "--set"); !set)
      return set;
  }
  return {};
}

std::string to_toml(const Profile& profile) {
  std::string text;
  std::string_view section;
  for (const Key& key : keys()) {
    const auto dot = key.name.find('.');
    const std::string_view own = dot == std::string_view::npos ? std::string_view() : key.name.substr(0, dot);
    if (own != section) text += "\n[" + std::string(own) + "]\n";
    section = own;
    text += std::string(dot == std::string_view::npos ? key.name : key.name.substr(dot + 1)) + " = " +
            value_text(profile, key) + "\n";
  }
  return text;
}

std::string explain(const Loaded& loaded) {
  std::string text;
  for (const Key& key : keys()) {
    const auto origin = loaded.origins.find(key.name);
    std::string left = std::string(key.name) + " = " + value_text(loaded.profile, key);
    left.resize(std::max<std::size_t>(left.size() + 1, 52), ' ');
    text += left + "# " + std::string(key.help) + " (" + std::string(type_of(key));
    if (std::isfinite(key.min)) text += ", " + number_text(key.min) + " to " + number_text(key.max);
    for (const auto choice : key.choices) text += ", " + toml_text(choice);
    text += "; from " + (origin == loaded.origins.end() ? std::string("default") : origin->second) + ")\n";
  }
  return text;
}

}  // namespace facefleet::config
