#include "fleet/backends/process_fleet.h"

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <set>

#include "base/limits.h"
#include "fleet/backends/process.h"
#include "fleet/backends/process_record.h"
#include "fleet/self.h"

namespace facefleet::fleet {
namespace {

bool is_live(InstanceState state) { return state != InstanceState::kTerminated && state != InstanceState::kStopped; }

// One instance, from its launch until it is no longer listed.
struct Worker {
  Worker(const Executor& executor, Instance what) : instance(std::move(what)), timer(executor), exit(executor) {}
  Instance instance;
  ProcessRecord record;                 // what lies on disk, once the process is about to start
  asio::steady_timer timer;             // pending: until it starts; shutting down: until it is killed
  asio::posix::stream_descriptor exit;  // a pidfd: readable once the process has ended
  std::optional<MonoTime> forget_at;    // terminated: when it leaves the list
};

// Asio's handlers hold a Worker weakly: it is owned by the fleet alone, so a handler that can still lock it knows that
// the fleet is there too.
class Processes final : public ProcessFleet {
 public:
  Processes(const Executor& executor, ProcessOptions options, const Clock& clock, Random& random, Log log)
      : executor_(executor),
        options_(std::move(options)),
        clock_(clock),
        random_(random),
        log_(std::move(log)),
        ended_(executor) {}

  Result<void> adopt_all();

  Task<Result<std::vector<Instance>>> list() override;
  Task<Result<std::vector<Instance>>> launch(std::uint32_t count) override;
  Task<Result<void>> terminate(std::vector<std::string> ids) override;
  std::uint32_t cap() const override { return options_.cap; }
  Task<> end_all(MonoTime deadline) override;

 private:
  using Entry = std::shared_ptr<Worker>;

  std::filesystem::path record_path(const std::string& id) const { return options_.folder / (id + ".json"); }
  std::filesystem::path status_path(const std::string& id) const { return options_.folder / (id + ".status"); }
  std::uint32_t live_count() const;
  std::string free_name() const;
  void adopt(const ProcessRecord& record);
  void start(const Entry& worker);
  void watch(const Entry& worker, int pidfd);
  void leave(const Entry& worker);
  void end(const Entry& worker, std::string reason);
  void enter(const Entry& worker, InstanceState state);
  void forget_old();
  Result<void> save(const Entry& worker) const { return write_record(record_path(worker->record.id), worker->record); }

  const Executor executor_;
  const ProcessOptions options_;
  const Clock& clock_;
  Random& random_;
  const Log log_;
  std::vector<Entry> workers_;  // oldest first
  asio::steady_timer ended_;    // cancelled whenever an instance ends, to wake end_all()
  bool closing_ = false;
};

std::uint32_t Processes::live_count() const {
  return static_cast<std::uint32_t>(
      std::ranges::count_if(workers_, [](const Entry& worker) { return is_live(worker->instance.state); }));
}

std::string Processes::free_name() const {
  std::set<std::string> taken;
  for (const Entry& worker : workers_)
    if (is_live(worker->instance.state)) taken.insert(worker->instance.name);
  for (std::uint32_t number = 1;; ++number)
    if (std::string name = options_.name_prefix + std::to_string(number); !taken.contains(name)) return name;
}

void Processes::enter(const Entry& worker, InstanceState state) {
  worker->instance.state = state;
  worker->instance.state_since_ms = clock_.wall_ms();
}

Result<void> Processes::adopt_all() {
  std::error_code failure;
  std::filesystem::create_directories(options_.folder, failure);
  if (failure)
    return Error{Code::kInternal, "cannot create " + options_.folder.string() + ": " + failure.message(), ""};
  for (const ProcessRecord& record : read_records(options_.folder)) adopt(record);
  std::ranges::sort(workers_, {},
                    [](const Entry& worker) { return std::pair(worker->instance.launched_ms, worker->instance.name); });
  return {};
}

void Processes::adopt(const ProcessRecord& record) {
  Instance instance;
  instance.id = record.id;
  instance.name = record.name;
  instance.launched_ms = record.launched_ms;
  auto worker = std::make_shared<Worker>(executor_, std::move(instance));
  worker->record = record;
  workers_.push_back(worker);
  const Result<Process> process = find_process(record.pid, record.start_ticks, record.arguments);
  if (!process) {
    // Told later, not now: the owner is still waiting for open() to return.
    asio::post(executor_, [this, weak = std::weak_ptr(worker)] {
      if (const Entry there = weak.lock()) end(there, "ended while its owner was away");
    });
    enter(worker, InstanceState::kShuttingDown);
    return;
  }
  log_.info("instance_adopted", {{"instance", record.id}, {"name", record.name}, {"pid", process->pid}});
  worker->instance.pid = worker->record.pid = process->pid;
  worker->record.start_ticks = process->start_ticks;
  enter(worker, InstanceState::kRunning);
  watch(worker, process->pidfd);
  if (record.leaving) leave(worker);
}

Task<Result<std::vector<Instance>>> Processes::list() {
  forget_old();
  std::vector<Instance> instances;
  instances.reserve(workers_.size());
  for (const Entry& worker : workers_) {
    Instance& instance = instances.emplace_back(worker->instance);
    if (instance.pid == 0) continue;
    const Status status = read_status_file(status_path(instance.id));
    instance.worker = status.state;
    instance.worker_since_ms = status.since_ms;
    instance.jobs_done = status.jobs_done;
  }
  co_return instances;
}

Task<Result<std::vector<Instance>>> Processes::launch(std::uint32_t count) {
  if (count == 0) co_return Error{Code::kInvalidInput, "launch at least one instance", "count"};
  const std::uint32_t live = live_count();
  if (live >= options_.cap || closing_) {
    co_return Error{Code::kBusy,
                    "all " + std::to_string(options_.cap) + " instances that may exist at once do; terminate one first",
                    "capacity"};
  }
  forget_old();
  std::vector<Instance> launched;
  for (count = std::min(count, options_.cap - live); count > 0; --count) {
    Instance instance;
    instance.id = "i-" + random_hex(random_, 17);
    instance.name = free_name();
    instance.launched_ms = instance.state_since_ms = clock_.wall_ms();
    auto worker = std::make_shared<Worker>(executor_, instance);
    workers_.push_back(worker);
    launched.push_back(std::move(instance));
    if (options_.start_delay == Millis{0}) {
      start(worker);
      continue;
    }
    worker->timer.expires_after(options_.start_delay);
    worker->timer.async_wait([this, weak = std::weak_ptr(worker)](const boost::system::error_code& stopped) {
      const Entry there = weak.lock();
      if (!stopped && there && there->instance.state == InstanceState::kPending) start(there);
    });
  }
  co_return launched;
}

// The record is written before the process exists and again with its pid, so that an owner that dies in between leaves
// enough for the next one to find the process by its command line.
void Processes::start(const Entry& worker) {
  Instance& instance = worker->instance;
  const Command command = options_.command(instance.id, status_path(instance.id));
  worker->record = {instance.id, instance.name, instance.launched_ms, 0, 0, false, command.arguments};
  if (auto saved = save(worker); !saved) return end(worker, saved.error().message);
  const Result<Process> process = spawn(command);
  if (!process) return end(worker, process.error().message);
  worker->record.pid = instance.pid = process->pid;
  worker->record.start_ticks = process->start_ticks;
  if (auto saved = save(worker); !saved)
    log_.warn("instance_not_recorded", {{"instance", instance.id}, {"error", saved.error().message}});
  enter(worker, InstanceState::kRunning);
  log_.info("instance_started", {{"instance", instance.id}, {"name", instance.name}, {"pid", instance.pid}});
  watch(worker, process->pidfd);
}

void Processes::watch(const Entry& worker, int pidfd) {
  worker->exit.assign(pidfd);
  worker->exit.async_wait(asio::posix::stream_descriptor::wait_read,
                          [this, weak = std::weak_ptr(worker)](const boost::system::error_code& stopped) {
                            const Entry there = weak.lock();
                            if (!stopped && there) end(there, reap(there->exit.native_handle()));
                          });
}

Task<Result<void>> Processes::terminate(std::vector<std::string> ids) {
  std::vector<Entry> found;
  for (const std::string& id : ids) {
    const auto at = std::ranges::find(workers_, id, [](const Entry& worker) { return worker->instance.id; });
    if (at == workers_.end()) co_return Error{Code::kNotFound, "there is no instance " + id, "no_such_instance"};
    found.push_back(*at);
  }
  for (const Entry& worker : found) {
    if (worker->instance.state == InstanceState::kPending) end(worker, "terminated before it started");
    if (worker->instance.state == InstanceState::kRunning) leave(worker);
  }
  co_return Result<void>();
}

void Processes::leave(const Entry& worker) {
  Instance& instance = worker->instance;
  enter(worker, InstanceState::kShuttingDown);
  instance.state_reason = "asked to leave";
  send_signal(worker->exit.native_handle(), SIGTERM);
  worker->record.leaving = true;
  if (auto saved = save(worker); !saved)
    log_.warn("instance_not_recorded", {{"instance", instance.id}, {"error", saved.error().message}});
  worker->timer.expires_after(options_.stop_grace);
  worker->timer.async_wait([this, weak = std::weak_ptr(worker)](const boost::system::error_code& stopped) {
    const Entry there = weak.lock();
    if (stopped || !there || there->instance.state != InstanceState::kShuttingDown) return;
    log_.warn("instance_killed", {{"instance", there->instance.id}, {"reason", "did not leave in time"}});
    send_signal(there->exit.native_handle(), SIGKILL);
  });
}

void Processes::end(const Entry& worker, std::string reason) {
  Instance& instance = worker->instance;
  worker->timer.cancel();
  boost::system::error_code ignored;
  worker->exit.close(ignored);
  const Status last = read_status_file(status_path(instance.id));
  instance.jobs_done = last.jobs_done;
  enter(worker, InstanceState::kTerminated);
  instance.state_reason = std::move(reason);
  instance.pid = 0;
  worker->forget_at = clock_.now() + options_.terminated_kept;
  std::error_code absent;
  std::filesystem::remove(record_path(instance.id), absent);
  std::filesystem::remove(status_path(instance.id), absent);
  log_.info("instance_ended", {{"instance", instance.id}, {"name", instance.name}, {"reason", instance.state_reason}});
  if (options_.on_exit) options_.on_exit(instance.id);
  ended_.cancel();
}

void Processes::forget_old() {
  auto ended = static_cast<std::size_t>(workers_.size() - live_count());
  const MonoTime now = clock_.now();
  std::erase_if(workers_, [&](const Entry& worker) {
    if (!worker->forget_at) return false;
    const bool forget = ended > limits::kTerminatedInstances || now >= *worker->forget_at;
    if (forget) --ended;
    return forget;
  });
}

Task<> Processes::end_all(MonoTime deadline) {
  closing_ = true;
  for (const Entry& worker : std::vector(workers_)) {
    if (worker->instance.state == InstanceState::kPending) end(worker, "terminated before it started");
    if (worker->instance.state == InstanceState::kRunning) leave(worker);
  }
  bool killed = false;
  while (live_count() > 0) {
    if (!killed && clock_.now() >= deadline) {
      for (const Entry& worker : workers_)
        if (worker->exit.is_open()) send_signal(worker->exit.native_handle(), SIGKILL);
      killed = true;
    }
    if (killed) {
      ended_.expires_at(MonoTime::max());
    } else {
      ended_.expires_at(deadline);
    }
    boost::system::error_code woken;
    co_await ended_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  }
}

}  // namespace

Result<std::unique_ptr<ProcessFleet>> ProcessFleet::open(const Executor& executor, ProcessOptions options,
                                                         const Clock& clock, Random& random, Log log) {
  auto fleet = std::make_unique<Processes>(executor, std::move(options), clock, random, std::move(log));
  if (auto adopted = fleet->adopt_all(); !adopted) return adopted.error();
  return std::unique_ptr<ProcessFleet>(std::move(fleet));
}

}  // namespace facefleet::fleet
