#include "apps/target.h"

#include <cstdio>
#include <utility>

#include "apps/place.h"
#include "jobs/job.h"
#include "store/backends/durable_store.h"

namespace facefleet::apps {
namespace {

Task<Result<void>> keep_status(Task<int> body, int& status) {
  status = co_await std::move(body);
  co_return Result<void>{};
}

}  // namespace

void add_target_flags(CLI::App& app, TargetFlags& flags) {
  auto* url = app.add_option("--url", flags.url, "the running system")->capture_default_str();
  app.add_option("--key", flags.key, "its API key")->envname("FACEFLEET_KEY");
  app.add_option("--data", flags.data, "work in this data folder instead, of a system that is down")->excludes(url);
}

Task<Result<std::unique_ptr<tools::ApiClient>>> open_running(const TargetFlags& flags) {
  auto client = tools::ApiClient::open(co_await asio::this_coro::executor, flags.url, flags.key);
  if (!client) co_return client;
  auto there = co_await (*client)->check();
  if (!there) co_return there.error();
  co_return client;
}

Result<StoppedSystem> open_stopped(Role& role, const std::filesystem::path& data_dir) {
  StoppedSystem system;
  if (auto loaded = load_profile_of(data_dir)) {
    system.profile = std::move(loaded->profile);
  } else if (loaded.error().code != Code::kNotFound) {
    return loaded.error();
  }
  auto database = Database::open(role.context.get_executor(), data_dir, role.log);
  if (!database && database.error().code == Code::kConflict)
    return Error{Code::kConflict,
                 "a system runs on " + data_dir.string() + " (" + database.error().message +
                     "); leave --data out to speak to it, or stop it first",
                 "locked"};
  if (!database) return database.error();
  system.database = std::move(*database);
  auto store = store::open_durable_store(role.context.get_executor(), *system.database, role.clock, role.log);
  if (!store) return store.error();
  system.store = std::move(*store);
  system.galleries = gallery::Galleries::open(*system.store, names_of(system.profile).gallery_bucket,
                                              data_dir / "cache" / "galleries", role.clock);
  return system;
}

int run_command(Role& role, Task<int> body) {
  int status = kExitFailed;
  const int ran = run_role(role, keep_status(std::move(body), status), [&] { role.context.stop(); });
  return ran != 0 ? ran : status;
}

int fail(const Error& error) {
  std::fprintf(stderr, "facefleet: %s\n", error.message.c_str());
  return kExitFailed;
}

}  // namespace facefleet::apps
