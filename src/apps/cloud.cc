#include "apps/cloud.h"

#include <sys/stat.h>

#include "net/http.h"
#include "queue/backends/durable_queue.h"
#include "store/backends/durable_store.h"
#include "table/backends/durable_tables.h"

namespace facefleet::apps {
namespace {

namespace fs = std::filesystem;

std::uint16_t port_of_earlier_start(const fs::path& data_dir) {
  const auto earlier = load_cloud_env(data_dir);
  const auto url = earlier ? net::parse_url(earlier->endpoint) : Result<net::Url>(Error{});
  return url ? url->port : 0;
}

Result<net::HostPort> check_listen(const CloudSettings& settings) {
  auto listen = net::parse_host_port(settings.listen);
  if (!listen || net::is_loopback(listen->host)) return listen;
  if (settings.auth == "any")
    return Error{Code::kInvalidInput,
                 "--cloud-auth any lets everyone in who can reach the doors, so it is for loopback only; " +
                     settings.listen + " is beyond it: use --cloud-auth strict, or listen on 127.0.0.1",
                 "not_loopback"};
  return Error{Code::kInvalidInput,
               "the AWS doors listen on loopback only; " + settings.listen + " is beyond it (--cloud-listen)",
               "not_loopback"};
}

}  // namespace

Result<Engine> open_engine(Role& role, const fs::path& data_dir) {
  const auto executor = role.context.get_executor();
  Engine engine;
  auto database = Database::open(executor, data_dir, role.log);
  if (!database && database.error().code == Code::kConflict)
    return Error{Code::kConflict,
                 "a system runs on " + data_dir.string() + " already (" + database.error().message +
                     "); stop it, or give this one a folder of its own with --data",
                 "running"};
  if (!database) return database.error();
  engine.database = std::move(*database);
  auto queues = queue::open_durable_queues(executor, *engine.database, role.clock, role.random, role.log);
  if (!queues) return queues.error();
  engine.queues = std::move(*queues);
  auto store = store::open_durable_store(executor, *engine.database, role.clock, role.log);
  if (!store) return store.error();
  engine.store = std::move(*store);
  auto tables = table::open_durable_tables(*engine.database, role.clock, role.log);
  if (!tables) return tables.error();
  engine.tables = std::move(*tables);
  return engine;
}

Result<Cloud> open_cloud(Role& role, const Engine& engine, fleet::Fleet* fleet, const fs::path& data_dir,
                         const CloudSettings& settings) {
  const auto listen = check_listen(settings);
  if (!listen) return listen.error();
  localcloud::Options options;
  options.host = listen->host;
  options.port = listen->port;
  options.region = settings.region;
  options.credentials = choose_credentials(data_dir, role.random);
  options.any_key = settings.auth == "any";
  const localcloud::Parts parts{*engine.queues, *engine.store, *engine.tables, fleet,
                                role.clock,     role.random,   role.log,       settings.other_instances};
  const auto executor = role.context.get_executor();
  Cloud cloud;
  // What an earlier start left running still knows its port: worth a try before any free one.
  if (const std::uint16_t earlier = listen->port == 0 ? port_of_earlier_start(data_dir) : 0; earlier != 0) {
    options.port = earlier;
    if (auto again = localcloud::LocalCloud::open(executor, options, parts)) cloud.doors = std::move(*again);
    options.port = 0;
  }
  if (!cloud.doors) {
    auto opened = localcloud::LocalCloud::open(executor, options, parts);
    if (!opened) return opened.error();
    cloud.doors = std::move(*opened);
  }
  const std::string host = listen->host.find(':') == std::string::npos ? listen->host : "[" + listen->host + "]";
  cloud.env = {"http://" + host + ":" + std::to_string(cloud.doors->port()), settings.region, options.credentials};
  if (auto saved = save_cloud_env(data_dir, cloud.env); !saved) return saved.error();
  return cloud;
}

Result<fs::path> make_data_dir(const std::string& folder) {
  std::error_code failed;
  fs::path data_dir = fs::absolute(folder, failed).lexically_normal();
  fs::create_directories(data_dir, failed);
  if (failed)
    return Error{Code::kInvalidInput, "cannot make the folder " + data_dir.string() + ": " + failed.message(), ""};
  ::chmod(data_dir.c_str(), 0700);  // photos and templates are nobody else's business
  return data_dir;
}

}  // namespace facefleet::apps
