// facefleet localcloud: the AWS doors alone, as one process: queues, objects, tables, but no workers.
#include "localcloud/localcloud.h"

#include <unistd.h>

#include <boost/json.hpp>
#include <cstdio>

#include "apps/cloud.h"
#include "apps/command.h"
#include "apps/place.h"
#include "base/file.h"

namespace facefleet::apps {
namespace {

struct Flags {
  std::string data = default_data_dir();
  std::string listen = "127.0.0.1:9324";
  std::string auth = "strict";
};

class AloneCloud {
 public:
  AloneCloud(Role& role, std::filesystem::path data_dir, CloudSettings settings)
      : role_(role), data_dir_(std::move(data_dir)), settings_(std::move(settings)) {}

  Task<Result<void>> run() {
    if (auto opened = open(); !opened) co_return opened;
    std::printf("facefleet %s local cloud\n  AWS doors      %s   eval \"$(facefleet env --data %s)\"\n",
                FACEFLEET_VERSION, cloud_.env.endpoint.c_str(), data_dir_.c_str());
    std::fflush(stdout);
    stopped_.expires_at(MonoTime::max());
    boost::system::error_code ignored;
    if (!stopping_) co_await stopped_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    co_await cloud_.doors->drain(role_.clock.now() + Millis(500));
    std::filesystem::remove(data_dir_ / "endpoints.json", failed_);
    std::filesystem::remove(data_dir_ / "pids.json", failed_);
    co_return Result<void>();
  }

  void stop() {
    stopping_ = true;
    stopped_.cancel();
  }

 private:
  Result<void> open() {
    auto engine = open_engine(role_, data_dir_);
    if (!engine) return engine.error();
    engine_ = std::move(*engine);
    auto cloud = open_cloud(role_, engine_, nullptr, data_dir_, settings_);
    if (!cloud) return cloud.error();
    cloud_ = std::move(*cloud);
    const boost::json::object pids{{"localcloud", ::getpid()}};
    if (auto saved = write_file_atomic(data_dir_ / "pids.json", boost::json::serialize(pids) + "\n"); !saved)
      return saved;
    return save_endpoints(data_dir_, {"", cloud_.env.endpoint});  // last: by it others know that the doors are open
  }

  Role& role_;
  const std::filesystem::path data_dir_;
  const CloudSettings settings_;
  bool stopping_ = false;
  std::error_code failed_;
  asio::steady_timer stopped_{role_.context};
  Engine engine_;
  Cloud cloud_;
};

int run_alone(const Flags& flags) {
  const auto data_dir = make_data_dir(flags.data);
  if (!data_dir) return refuse(data_dir.error());
  Role role("localcloud");
  AloneCloud cloud(role, *data_dir, {flags.listen, config::Profile{}.cloud_region, flags.auth});
  return run_role(role, cloud.run(), [&] { cloud.stop(); });
}

}  // namespace

Command add_localcloud(CLI::App& root) {
  auto flags = std::make_shared<Flags>();
  CLI::App* app = root.add_subcommand("localcloud", "run the SQS, S3, EC2, DynamoDB and STS doors alone");
  app->add_option("--listen", flags->listen, "host:port of the doors; port 0: any free one")->capture_default_str();
  app->add_option("--data", flags->data, "everything that is kept is in this folder")->capture_default_str();
  app->add_option("--cloud-auth", flags->auth, kAuthHelp)
      ->check(CLI::IsMember({"strict", "any"}))
      ->capture_default_str();
  return {app, [flags] { return run_alone(*flags); }};
}

}  // namespace facefleet::apps
