// facefleet gateway: the HTTP tier of a system, as a process of its own.
#include "gateway/gateway.h"

#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/json.hpp>

#include <optional>

#include "apps/alone.h"
#include "apps/cloud_parts.h"
#include "apps/command.h"
#include "apps/keys.h"
#include "apps/place.h"
#include "apps/resources.h"
#include "apps/role.h"
#include "base/file.h"
#include "config/model_card.h"
#include "gallery/gallery.h"
#include "jobs/job.h"
#include "net/http.h"

namespace facefleet::apps {
namespace {

constexpr Millis kDrain{3'000};

struct Flags {
  RoleFlags role;
  std::string listen;  // empty: the profile's
  bool open = false;
};

Result<gateway::Options> to_options(const config::Profile& profile, const std::filesystem::path& data_dir) {
  auto listen = net::parse_host_port(profile.gateway_listen);
  if (!listen) return listen.error();
  auto keys = load_keys(data_dir);
  if (!keys) return keys.error();
  auto cards = config::load_model_cards(share_dir() / "models");
  if (!cards) return cards.error();
  gateway::Options options;
  options.system_id = profile.id;
  options.names = names_of(profile);
  options.listen_host = listen->host;
  options.listen_port = listen->port;
  options.open = profile.gateway_open;
  options.keys = std::move(*keys);
  options.hosts_allowed = profile.gateway_hosts;
  options.kind = profile.jobs_kind == "classify" ? jobs::Kind::kClassify : jobs::Kind::kRecognise;
  options.reply_form = profile.gateway_reply;
  options.views = profile.gateway_views;
  options.photo_in_message = profile.jobs_message == "inline";
  options.message_bytes_max = static_cast<std::uint32_t>(profile.queue_message_bytes_max);
  options.own_response_queue = profile.gateway_own_response_queue;
  options.dead_after = config::millis(profile.gateway_dead_after_s);
  options.reuse = profile.gateway_reuse;
  options.photo_retention = profile.retention_photo;
  options.outcome_retention = config::millis(profile.retention_outcome_hours * 3'600);
  options.answer_timeout = config::millis(profile.gateway_answer_timeout_s);
  options.photo_bytes_max = static_cast<std::uint64_t>(profile.gateway_photo_mb_max) << 20;
  options.body_bytes_max = static_cast<std::uint64_t>(profile.gateway_body_mb_max) << 20;
  options.files_max = static_cast<std::uint32_t>(profile.gateway_files_max);
  options.queue_length_max = static_cast<std::uint64_t>(profile.gateway_queue_length_max);
  options.wait_max = config::millis(profile.gateway_wait_max_s);
  options.version = FACEFLEET_VERSION;
  options.profile = profile.name;
  for (auto& card : *cards)
    options.models.push_back({card.name, card.role, card.version, card.licence, card.source, card.note});
  return options;
}

// The port that an earlier gateway of this system had, where the profile leaves the choice to the machine: callers of a
// gateway that died find the next one where that one was.
std::optional<std::uint16_t> earlier_port(const std::filesystem::path& data_dir) {
  const auto text = read_file(data_dir / "run" / "gateway.json");
  if (!text) return std::nullopt;
  try {
    return static_cast<std::uint16_t>(boost::json::parse(*text).at("port").as_int64());
  } catch (const std::exception&) {
    return std::nullopt;  // torn or foreign: any port will do
  }
}

Result<std::unique_ptr<gateway::Gateway>> open_where_it_was(const Executor& executor, gateway::Options options,
                                                            const gateway::Parts& parts,
                                                            const std::filesystem::path& data_dir) {
  if (options.listen_port == 0) {
    if (const auto port = earlier_port(data_dir)) {
      gateway::Options again = options;
      again.listen_port = *port;
      if (auto opened = gateway::Gateway::open(executor, std::move(again), parts)) return opened;
    }
  }
  return gateway::Gateway::open(executor, std::move(options), parts);
}

// What `up` and people read to find a gateway whose port was chosen by the system.
Result<void> announce(const std::filesystem::path& data_dir, std::uint16_t port) {
  std::error_code failed;
  std::filesystem::create_directories(data_dir / "run", failed);
  const std::string text = "{\"pid\":" + std::to_string(::getpid()) + ",\"port\":" + std::to_string(port) + "}\n";
  return write_file_atomic(data_dir / "run" / "gateway.json", text);
}

// A key that is made or removed counts within this time; a file that cannot be read changes nothing.
constexpr Millis kKeysEvery{1'000};

Task<> follow_keys(Role& role, const std::filesystem::path& data_dir, gateway::Gateway& gateway,
                   std::vector<gateway::ApiKey> current) {
  for (std::string told;;) {
    co_await sleep_for(kKeysEvery);
    auto keys = load_keys(data_dir);
    const std::string trouble = keys ? std::string() : keys.error().message;
    if (trouble != std::exchange(told, trouble) && !keys) role.log.error("keys_unreadable", {{"why", trouble}});
    if (!keys || *keys == current) continue;
    current = *keys;
    role.log.info("keys_changed", {{"keys", current.size()}});
    gateway.set_keys(std::move(*keys));
  }
}

Task<Result<void>> make_and_run(Role& role, const CloudParts& parts, const Place& place, gateway::Gateway& gateway,
                                const bool& leaving) {
  if (place.alone) {
    const Resources resources{*parts.queues, *parts.store, parts.tables.get(), role.log};
    auto made = co_await make_resources_patiently(resources, place.profile, leaving);
    if (!made) co_return made;
  }
  co_return co_await gateway.run();
}

int serve(const Flags& flags) {
  Role role("gateway");
  auto place = settle_place_with_cap(flags.role);
  if (!place) return refuse(place.error());
  if (!flags.listen.empty()) place->profile.gateway_listen = flags.listen;
  if (flags.open) place->profile.gateway_open = true;
  const config::Profile& profile = place->profile;
  auto options = to_options(profile, place->data_dir);
  if (!options) return refuse(options.error());
  const jobs::Names names = names_of(profile);
  auto parts = open_cloud_parts(role.context.get_executor(), profile, role.clock, role.random, role.log, place->alone);
  if (!parts) return refuse(parts.error());
  if (auto kept =
          keep_outcomes_in_table(role.context.get_executor(), *parts, profile, role.clock, role.random, role.log);
      !kept)
    return refuse(kept.error());
  std::vector<gateway::ApiKey> keys = options->keys;
  const auto galleries = gallery::Galleries::open(*parts->store, names.gallery_bucket,
                                                  place->data_dir / "cache" / "galleries", role.clock);
  auto gateway = open_where_it_was(
      role.context.get_executor(), std::move(*options),
      {*parts->queues, *parts->store, *galleries, *parts->fleet, role.clock, role.random, role.log}, place->data_dir);
  if (!gateway) return refuse(gateway.error());
  if (auto announced = announce(place->data_dir, (*gateway)->port()); !announced) return refuse(announced.error());
  asio::co_spawn(role.context, follow_keys(role, place->data_dir, **gateway, std::move(keys)), asio::detached);
  bool leaving = false;
  return run_role(role, make_and_run(role, *parts, *place, **gateway, leaving), [&] {
    leaving = true;
    asio::co_spawn(role.context, (*gateway)->drain(role.clock.now() + kDrain), asio::detached);
  });
}

}  // namespace

Command add_gateway(CLI::App& root) {
  auto flags = std::make_shared<Flags>();
  CLI::App* app = root.add_subcommand("gateway", "run the HTTP tier alone (`up` starts it for you)");
  add_role_flags(*app, flags->role);
  app->add_option("--listen", flags->listen, "host:port of page and API");
  app->add_flag("--open", flags->open, "serve beyond loopback without an API key");
  return {app, [flags] { return serve(*flags); }};
}

}  // namespace facefleet::apps
