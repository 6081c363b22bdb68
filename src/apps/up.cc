// facefleet up: a whole system on this machine. This process is the local cloud: it holds the durable queues and
// objects, owns the fleet of workers and answers at the AWS doors. It starts a gateway and an autoscaler beside itself,
// which reach it, as the workers do, through those doors only.
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/json.hpp>
#include <cstdio>
#include <thread>

#include "apps/child.h"
#include "apps/cloud.h"
#include "apps/command.h"
#include "apps/demo.h"
#include "apps/pipeline_options.h"
#include "apps/place.h"
#include "apps/resources.h"
#include "apps/role.h"
#include "apps/system.h"
#include "base/file.h"
#include "base/hash.h"
#include "fleet/backends/process_fleet.h"
#include "localcloud/localcloud.h"
#include "net/http.h"

namespace facefleet::apps {
namespace {

namespace fs = std::filesystem;

constexpr Millis kGatewayStartMax{15'000};
constexpr Millis kStop{4'500};         // from SIGTERM to the end of the last process
constexpr Millis kGatewayStop{3'200};  // of which the gateway may take so long to let callers have their answers
constexpr Millis kPidsEvery{200};
constexpr Millis kLastRequest{200};  // of a worker that died: it is read by then

struct Flags {
  std::string profile = "default";
  std::string data = default_data_dir();
  std::string listen, cloud_listen, workers_max, id;  // empty: the profile's
  std::vector<std::string> set;
  std::string auth = "strict";
  bool open = false;
  bool demo = false;
};

Result<config::Loaded> settle_profile(const Flags& flags) {
  auto loaded = load_profile_by_name(flags.profile);
  if (!loaded) return loaded;
  const std::vector<std::tuple<std::string, std::string, std::string>> given = {
      {"gateway.listen", flags.listen, "--listen"},
      {"cloud.listen", flags.cloud_listen, "--cloud-listen"},
      {"fleet.workers_max", flags.workers_max, "--workers-max"},
      {"id", flags.id, "--id"},
      {"gateway.open", flags.open ? "true" : "", "--open"}};
  for (const auto& [key, value, flag] : given) {
    if (value.empty()) continue;
    if (auto set = config::set_key(*loaded, key, value, flag); !set) return set.error();
  }
  if (auto set = config::set_keys(*loaded, flags.set); !set) return set.error();
  auto& workers_max = loaded->profile.fleet_workers_max;
  if (workers_max == 0) workers_max = std::max(1u, std::thread::hardware_concurrency());
  return loaded;
}

// One running system. Members in the order in which they are made; they go in the opposite one.
class System {
 public:
  System(Role& role, config::Profile profile, fs::path data_dir, std::string auth, bool demo)
      : role_(role),
        profile_(std::move(profile)),
        data_dir_(std::move(data_dir)),
        auth_(std::move(auth)),
        demo_(demo) {}

  Task<Result<void>> run() {
    auto engine = open_engine(role_, data_dir_);
    if (!engine) co_return engine.error();
    engine_ = std::move(*engine);
    const Resources resources{*engine_.queues, *engine_.store, engine_.tables.get(), role_.log};
    if (auto made = co_await make_resources(resources, profile_); !made) co_return made;
    const bool changed = profile_changed();
    if (auto opened = open_doors(); !opened) co_return opened;
    if (changed) co_await end_earlier_roles();
    if (auto noted = write_file_atomic(profile_file(data_dir_), config::to_toml(profile_)); !noted) co_return noted;
    start_children();
    auto url = co_await wait_for_gateway();
    if (url) {
      announce(*url);
      if (auto saved = save_endpoints(data_dir_, {*url, cloud_.env.endpoint}); !saved) failure_ = saved.error();
      if (demo_)
        asio::co_spawn(role_.context, run_demo(*url, test_photos_dir(), role_.clock, role_.log), asio::detached);
    }
    while (!stopping_ && !failure_) {
      co_await write_pids();
      co_await wait_for_change(kPidsEvery);
    }
    co_await end_all();
    if (failure_) co_return *failure_;
    if (!url && !stopping_) co_return url.error();
    co_return Result<void>();
  }

  void stop() {
    stopping_ = true;
    changed_.cancel();
  }

 private:
  // Children of an earlier `up` that ran with other settings must not be adopted.
  bool profile_changed() const {
    const auto earlier = read_file(profile_file(data_dir_));
    return earlier && *earlier != config::to_toml(profile_);
  }

  Result<void> open_doors() {
    if (auto opened = open_fleet(); !opened) return opened;
    const CloudSettings settings{profile_.cloud_listen, profile_.cloud_region, auth_,
                                 [this] { return std::vector{gateway_instance()}; }};
    auto cloud = open_cloud(role_, engine_, fleet_.get(), data_dir_, settings);
    if (!cloud) return cloud.error();
    cloud_ = std::move(*cloud);
    set_environment();
    return {};
  }

  // The gateway as the EC2 door shows it: always the same instance of this folder's system.
  fleet::Instance gateway_instance() const {
    fleet::Instance instance;
    instance.id = "i-" + hex(sha256(data_dir_.string() + " " + profile_.id)).substr(0, 17);
    instance.name = profile_.fleet_gateway_name;
    instance.state = gateway_ && gateway_->pid() ? fleet::InstanceState::kRunning : fleet::InstanceState::kPending;
    instance.launched_ms = instance.state_since_ms = began_ms_;
    instance.tags = {{"facefleet:role", "gateway"}};
    return instance;
  }

  void set_environment() {
    environment_ = {"AWS_ENDPOINT_URL=" + cloud_.env.endpoint,
                    "AWS_REGION=" + profile_.cloud_region,
                    "AWS_ACCESS_KEY_ID=" + cloud_.env.credentials.access_key_id,
                    "AWS_SECRET_ACCESS_KEY=" + cloud_.env.credentials.secret_access_key,
                    "AWS_SESSION_TOKEN=",
                    "AWS_ENDPOINT_URL_SQS=",
                    "AWS_ENDPOINT_URL_S3=",
                    "AWS_ENDPOINT_URL_EC2=",
                    "AWS_ENDPOINT_URL_DYNAMODB=",
                    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS="};
  }

  fleet::Command command(std::vector<std::string> arguments) const {
    std::error_code failed;
    const fs::path self = fs::read_symlink("/proc/self/exe", failed);
    arguments.insert(arguments.begin(), self.string());
    arguments.insert(arguments.end(), {"--data", data_dir_.string()});
    return {self, std::move(arguments), environment_};
  }

  fleet::Command command_of(const std::string& role) const { return command({role}); }

  Result<void> open_fleet() {
    fleet::ProcessOptions options;
    options.folder = data_dir_ / "fleet";
    options.cap = static_cast<std::uint32_t>(profile_.fleet_workers_max);
    options.name_prefix = profile_.fleet_instance_prefix;
    options.pool = profile_.fleet_pool ? options.cap : 0;
    options.start_delay = config::millis(std::max(profile_.fleet_start_delay_s, profile_.lesson_start_s));
    options.stop_grace = config::millis(profile_.fleet_stop_grace_s);
    options.command = [this](const std::string& id, const fs::path& status_file) {
      fleet::Command run = command({"worker", "--instance-id", id, "--status-file", status_file.string()});
      run.environment.push_back("AWS_EC2_METADATA_SERVICE_ENDPOINT=" + cloud_.env.endpoint +
                                localcloud::metadata_path(id, cloud_.env.credentials));
      return run;
    };
    // The dead need no lease: what they held is handed out again at once.
    options.on_exit = [this](const std::string& id) {
      asio::co_spawn(role_.context, release(id), asio::detached);
      changed_.cancel();
    };
    auto opened = fleet::ProcessFleet::open(role_.context.get_executor(), std::move(options), role_.clock, role_.random,
                                            role_.log);
    if (!opened) return opened.error();
    fleet_ = std::move(*opened);
    return {};
  }

  // Twice, for a worker's last request may still lie in its socket when its death is known.
  Task<> release(std::string instance_id) {
    for (const Millis pause : {Millis(0), kLastRequest}) {
      co_await sleep_for(pause);
      auto released = co_await engine_.queues->release(instance_id);
      if (!released)
        role_.log.warn("cannot release leases", {{"instance", instance_id}, {"why", released.error().message}});
    }
  }

  // The autoscaler first, so that it launches nobody any more.
  Task<> end_earlier_roles() {
    const fleet::Command run_gateway = command_of("gateway"), run_autoscaler = command_of("autoscaler");
    co_await Child::end_left_behind(run_autoscaler);
    co_await dismiss_workers();
    co_await Child::end_left_behind(run_gateway);
  }

  void start_children() {
    const std::string gateway = "gateway", autoscaler = "autoscaler";
    std::error_code ignored;
    fs::create_directories(data_dir_ / "run", ignored);
    fs::remove(data_dir_ / "endpoints.json", ignored);
    const std::function<void()> tell = [this] { changed_.cancel(); };
    gateway_.emplace(gateway, command_of(gateway), role_.log, tell);
    autoscaler_.emplace(autoscaler, command_of(autoscaler), role_.log, tell);
    asio::co_spawn(role_.context, keep_running(*gateway_), asio::detached);
    asio::co_spawn(role_.context, keep_running(*autoscaler_), asio::detached);
  }

  // They finish what they have leased, as it was asked of them. Who is pending begins with these settings.
  Task<> dismiss_workers() {
    const auto adopted = co_await fleet_->list();
    std::vector<std::string> ids;
    for (const fleet::Instance& instance : adopted ? *adopted : std::vector<fleet::Instance>())
      if (instance.state == fleet::InstanceState::kRunning) ids.push_back(instance.id);
    if (ids.empty()) co_return;
    const std::size_t count = ids.size();
    auto told = co_await fleet_->dismiss(std::move(ids), profile_.fleet_pool);
    if (told)
      role_.log.info("dismissed workers that have other settings", {{"workers", count}});
    else
      role_.log.warn("cannot dismiss workers that have other settings", {{"why", told.error().message}});
  }

  Task<> keep_running(Child& child) {
    ++children_running_;
    auto ended = co_await child.supervise();
    --children_running_;
    if (!ended && !failure_) failure_ = ended.error();
    changed_.cancel();
  }

  // The URL that the gateway announced; kUnavailable if it has not within kGatewayStartMax.
  Task<Result<std::string>> wait_for_gateway() {
    const MonoTime deadline = role_.clock.now() + kGatewayStartMax;
    while (!stopping_ && !failure_ && role_.clock.now() < deadline) {
      if (const auto port = announced_port()) {
        const auto listen = net::parse_host_port(profile_.gateway_listen);
        const std::string host =
            !listen || listen->host == "0.0.0.0" || listen->host == "::" ? "127.0.0.1" : listen->host;
        co_return "http://" + host + ":" + std::to_string(*port);
      }
      co_await sleep_for(Millis(10));
    }
    if (!failure_ && !stopping_)
      failure_ = Error{Code::kUnavailable, "the gateway did not start; its own message says why", "no_gateway"};
    co_return Error{Code::kUnavailable, "the gateway did not start", "no_gateway"};
  }

  std::optional<std::uint16_t> announced_port() const {
    const auto text = read_file(data_dir_ / "run" / "gateway.json");
    if (!text || !gateway_->pid()) return std::nullopt;
    try {
      const auto value = boost::json::parse(*text);
      if (value.at("pid").as_int64() != *gateway_->pid()) return std::nullopt;
      return static_cast<std::uint16_t>(value.at("port").as_int64());
    } catch (const std::exception&) {
      return std::nullopt;  // an earlier gateway's, or none yet
    }
  }

  void announce(const std::string& url) const {
    std::printf("facefleet %s is up: profile %s, at most %lld workers\n", FACEFLEET_VERSION, profile_.name.c_str(),
                static_cast<long long>(profile_.fleet_workers_max));
    std::printf("  page and API   %s/\n", url.c_str());
    std::printf("  AWS doors      %s   eval \"$(facefleet env --data %s)\"\n", cloud_.env.endpoint.c_str(),
                data_dir_.c_str());
    std::printf("  try it         curl -F inputFile=@photo.jpg %s/\n", url.c_str());
    std::fflush(stdout);
  }

  // DIR/pids.json names each role's pids; rewritten when they change.
  Task<> write_pids() {
    boost::json::array workers;
    auto instances = co_await fleet_->list();
    if (instances)
      for (const auto& instance : *instances)
        if (instance.pid != 0) workers.emplace_back(instance.pid);
    boost::json::object pids{{"up", ::getpid()}, {"localcloud", ::getpid()}};
    if (gateway_->pid()) pids["gateway"] = *gateway_->pid();
    if (autoscaler_->pid()) pids["autoscaler"] = *autoscaler_->pid();
    pids["workers"] = std::move(workers);
    std::string text = boost::json::serialize(pids) + "\n";
    if (text == pids_written_) co_return;
    if (auto written = write_file_atomic(data_dir_ / "pids.json", text)) pids_written_ = std::move(text);
  }

  Task<> wait_for_change(Millis longest) {
    changed_.expires_after(longest);
    boost::system::error_code ignored;
    co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

  // Callers first, then workers, then the doors. What is not answered stays queued for the next start.
  Task<> end_all() {
    const MonoTime began = role_.clock.now();
    role_.log.info("stopping");
    autoscaler_->stop(SIGTERM);
    gateway_->stop(SIGTERM);
    while (children_running_ > 0 && role_.clock.now() < began + kGatewayStop) co_await wait_for_change(Millis(50));
    gateway_->stop(SIGKILL);
    autoscaler_->stop(SIGKILL);
    co_await fleet_->end_all(began + kStop);
    while (children_running_ > 0) co_await wait_for_change(Millis(50));
    co_await cloud_.doors->drain(role_.clock.now() + Millis(100));
    std::error_code ignored;
    fs::remove(data_dir_ / "endpoints.json", ignored);
    fs::remove(data_dir_ / "pids.json", ignored);
    role_.log.info("stopped");
  }

  Role& role_;
  const config::Profile profile_;
  const fs::path data_dir_;
  const std::string auth_;  // of the doors: strict, or any
  const bool demo_;
  const std::int64_t began_ms_ = role_.clock.wall_ms();
  std::vector<std::string> environment_;
  std::string pids_written_;
  bool stopping_ = false;
  int children_running_ = 0;
  std::optional<Error> failure_;
  asio::steady_timer changed_{role_.context};
  Engine engine_;
  std::unique_ptr<fleet::ProcessFleet> fleet_;
  Cloud cloud_;
  std::optional<Child> gateway_, autoscaler_;
};

int up(const Flags& flags) {
  auto loaded = settle_profile(flags);
  if (!loaded) return refuse(loaded.error());
  const auto data_dir = make_data_dir(flags.data);
  if (!data_dir) return refuse(data_dir.error());
  // Before anything is started: a missing model is said here, once, not by every worker.
  if (auto models = model_options(loaded->profile, model_cache_dir(*data_dir)); !models) return refuse(models.error());
  Role role("up");
  System system(role, std::move(loaded->profile), *data_dir, flags.auth, flags.demo);
  return run_role(role, system.run(), [&] { system.stop(); });
}

}  // namespace

Command add_up(CLI::App& root) {
  auto flags = std::make_shared<Flags>();
  CLI::App* app = root.add_subcommand("up", "start a whole system on this machine");
  app->add_option("--profile", flags->profile, "a name (default, course-2025), or a .toml file")->capture_default_str();
  app->add_option("--data", flags->data, "everything the system keeps is in this folder")->capture_default_str();
  app->add_option("--listen", flags->listen, "host:port of page and API");
  app->add_option("--cloud-listen", flags->cloud_listen, "host:port of the doors: SQS, S3, EC2, DynamoDB, STS");
  app->add_option("--cloud-auth", flags->auth, kAuthHelp)
      ->check(CLI::IsMember({"strict", "any"}))
      ->capture_default_str();
  app->add_option("--workers-max", flags->workers_max,
                  "most workers at a time (default: the profile's; 0: one a core)");
  app->add_option("--set", flags->set, "any key of the profile, as key=value; may be given several times")
      ->allow_extra_args(false);
  app->add_option("--id", flags->id, "prefix of queue and bucket names");
  app->add_flag("--open", flags->open, "serve beyond loopback without an API key");
  app->add_flag("--demo", flags->demo, "enrol a few people from test photos and recognise one of them");
  return {app, [flags] { return up(*flags); }};
}

}  // namespace facefleet::apps
