// A profile says how one system behaves. It is a TOML file of the keys below; what it leaves out has the default that
// stands here. The table in profile.cc is the schema: a key of the file that is not in it is an error.
//
// Pure values; apps hand each room its own small options struct.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace facefleet::config {

struct Profile {
  std::string name = "default";
  std::string id = "facefleet";

  std::string names_request_queue = "{id}-req-queue";
  std::string names_response_queue = "{id}-resp-queue";
  std::string names_in_bucket = "{id}-in-bucket";
  std::string names_out_bucket = "{id}-out-bucket";

  std::string jobs_message = "name";

  std::int64_t queue_message_bytes_max = 1'048'576;

  std::string gateway_listen = "127.0.0.1:8000";
  bool gateway_open = false;
  std::vector<std::string> gateway_hosts;
  std::string gateway_reply = "text";
  bool gateway_views = false;
  bool gateway_reuse = false;
  double gateway_answer_timeout_s = 300;
  std::int64_t gateway_photo_mb_max = 20;
  std::int64_t gateway_body_mb_max = 64;
  std::int64_t gateway_files_max = 100;
  std::int64_t gateway_queue_length_max = 100'000;
  double gateway_wait_max_s = 120;
  bool gateway_own_response_queue = false;
  double gateway_dead_after_s = 300;

  std::string cloud_listen = "127.0.0.1:9324";
  std::string cloud_region = "us-east-1";

  std::int64_t fleet_workers_max = 0;
  double fleet_start_delay_s = 0;
  double fleet_stop_grace_s = 30;
  std::string fleet_instance_prefix = "app-tier-instance-";
  std::string fleet_gateway_name = "web-instance";
  bool fleet_pool = false;
  std::int64_t fleet_running_floor = 0;
  std::string fleet_image_id = "ami-00000000000000000";
  std::string fleet_instance_type = "t2.micro";
  std::string fleet_key_name;
  std::string fleet_subnet_id;
  std::vector<std::string> fleet_security_groups;
  std::string fleet_instance_profile;
  std::string fleet_user_data_file;

  std::string autoscaler_policy = "default";
  double autoscaler_jobs_per_worker = 1;
  double autoscaler_wait_s = 0.5;
  double autoscaler_idle_hold_s = 10;
  double autoscaler_tick_s = 0.1;

  std::int64_t worker_prefetch = 1;
  double worker_lease_s = 30;
  std::int64_t worker_receives_max = 5;
  double worker_ends_itself_s = 0;
  double worker_idle_poll_s = 0;

  std::string jobs_kind = "recognise";

  std::string vision_detector = "yunet";
  std::string vision_embedder = "sface";
  std::string vision_classifier = "mobilenet_v2";
  std::string vision_precision = "auto";
  double vision_threshold = 0;

  bool gallery_chips = true;

  std::string retention_photo = "answered";
  double retention_outcome_hours = 24;

  std::string outcomes_in = "objects";
  std::string outcomes_region;

  double lesson_service_s = 0;
  double lesson_start_s = 0;
};

// A time of a profile, which has them in seconds.
inline Millis millis(double seconds) { return Millis(static_cast<std::int64_t>(seconds * 1'000)); }

// Where each key's value came from ("default", a file's path, a flag), for `facefleet config --explain`.
using Origins = std::map<std::string, std::string, std::less<>>;

struct Loaded {
  Profile profile;
  Origins origins;
};

// Reads a profile file. kInvalidInput names the file, the line and what is expected instead: unknown key, wrong type,
// value out of its range.
Result<Loaded> load_profile(const std::filesystem::path& file);
Result<Loaded> parse_profile(std::string_view text, std::string_view origin);

// Sets one key (`gateway.listen`) from text, as a command-line flag does.
Result<void> set_key(Loaded& loaded, std::string_view key, std::string_view value, std::string_view origin);

// Sets what `--set` flags say, each as `fleet.workers_max=3`.
Result<void> set_keys(Loaded& loaded, const std::vector<std::string>& assignments);

// The whole profile as TOML that load_profile reads back.
std::string to_toml(const Profile& profile);

// One line a key: name, value, type, where the value came from, what it is for.
std::string explain(const Loaded& loaded);

}  // namespace facefleet::config
