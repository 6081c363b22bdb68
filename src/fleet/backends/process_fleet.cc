#include "fleet/backends/process_fleet.h"

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <set>
#include <tuple>

#include "base/limits.h"
#include "fleet/backends/process.h"
#include "fleet/backends/process_record.h"
#include "fleet/self.h"

namespace facefleet::fleet {
namespace {

// One instance, from its launch until it is no longer listed.
struct Worker {
  Worker(const Executor& executor, ProcessRecord what) : record(std::move(what)), timer(executor), exit(executor) {}
  ProcessRecord record;
  Instance& instance = record.instance;
  bool recorded = false;                // it lies on disk
  asio::steady_timer timer;             // pending: until it starts; draining: until it is killed
  asio::posix::stream_descriptor exit;  // a pidfd: readable once the process has ended
  std::optional<MonoTime> forget_at;    // terminated: when it leaves the list
};

bool drains(InstanceState state) { return state == InstanceState::kStopping || state == InstanceState::kShuttingDown; }

Error too_many_tags() {
  return {Code::kInvalidInput,
          "an instance may have " + std::to_string(limits::kInstanceTags) + " tags; remove some first", "tag_limit"};
}

Error wrong_state(const Instance& instance, std::string_view what) {
  return {Code::kConflict,
          "the instance " + instance.id + " is " + std::string(to_string(instance.state)) + " and cannot be " +
              std::string(what) + " now",
          "state"};
}

// By what a repeated launch must agree with the first of the same token.
std::string terms_of(const Launch& launch) {
  std::string terms =
      std::to_string(launch.at_least) + "-" + std::to_string(launch.count) + " " + launch.image_id + " " + launch.type;
  for (const auto& [key, value] : launch.tags) terms.append("\n").append(key).append("=").append(value);
  return terms;
}

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
  Result<void> fill_pool();

  Task<Result<std::vector<Instance>>> list() override;
  Task<Result<std::vector<Instance>>> launch(Launch launch) override;
  Task<Result<void>> start(std::vector<std::string> ids) override;
  Task<Result<void>> stop(std::vector<std::string> ids) override;
  Task<Result<void>> terminate(std::vector<std::string> ids) override;
  Task<Result<void>> create_tags(std::vector<std::string> ids, Tags tags) override;
  Task<Result<void>> delete_tags(std::vector<std::string> ids,
                                 std::map<std::string, std::optional<std::string>> keys) override;
  std::uint32_t cap() const override { return options_.cap; }
  Task<> end_all(MonoTime deadline) override;

 private:
  using Entry = std::shared_ptr<Worker>;

  std::filesystem::path record_path(const std::string& id) const { return options_.folder / (id + ".json"); }
  std::filesystem::path status_path(const std::string& id) const { return options_.folder / (id + ".status"); }
  std::uint32_t live_count() const;
  std::string free_name() const;
  Result<std::vector<Entry>> find_all(const std::vector<std::string>& ids) const;
  Result<std::vector<Instance>> launched_before(const Launch& launch) const;
  Error no_capacity() const;
  void adopt(const ProcessRecord& record);
  void begin(const Entry& worker);
  void boot(const Entry& worker);
  void watch(const Entry& worker, int pidfd);
  void leave(const Entry& worker, InstanceState draining);
  void end(const Entry& worker, std::string reason);
  void enter(const Entry& worker, InstanceState state);
  void forget_old();
  Instance shown(const Entry& worker) const;
  Result<void> save(const Entry& worker);
  void save_or_warn(const Entry& worker);

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
      std::ranges::count_if(workers_, [](const Entry& worker) { return takes_room(worker->instance.state); }));
}

std::string Processes::free_name() const {
  std::set<std::string> taken;
  for (const Entry& worker : workers_)
    if (worker->instance.state != InstanceState::kTerminated) taken.insert(worker->instance.name);
  for (std::uint32_t number = 1;; ++number)
    if (std::string name = options_.name_prefix + std::to_string(number); !taken.contains(name)) return name;
}

// All of `ids`, each once.
Result<std::vector<Processes::Entry>> Processes::find_all(const std::vector<std::string>& ids) const {
  std::vector<Entry> found;
  for (const std::string& id : ids) {
    const auto at = std::ranges::find(workers_, id, [](const Entry& worker) { return worker->instance.id; });
    if (at == workers_.end()) return Error{Code::kNotFound, "there is no instance " + id, "no_such_instance"};
    if (std::ranges::find(found, *at) == found.end()) found.push_back(*at);
  }
  return found;
}

Error Processes::no_capacity() const {
  return {Code::kBusy,
          "this fleet may have " + std::to_string(options_.cap) + " instances at once and has " +
              std::to_string(live_count()) + "; stop or terminate some first",
          "capacity"};
}

void Processes::enter(const Entry& worker, InstanceState state) {
  worker->instance.state = state;
  worker->instance.state_since_ms = clock_.wall_ms();
}

// What is pending has no process yet: whoever finds its record finds it stopped.
Result<void> Processes::save(const Entry& worker) {
  ProcessRecord record = worker->record;
  if (record.instance.state == InstanceState::kPending) record.instance.state = InstanceState::kStopped;
  auto written = write_record(record_path(record.instance.id), record);
  if (written) worker->recorded = true;
  return written;
}

void Processes::save_or_warn(const Entry& worker) {
  if (auto saved = save(worker); !saved)
    log_.warn("instance_not_recorded", {{"instance", worker->instance.id}, {"error", saved.error().message}});
}

Result<void> Processes::adopt_all() {
  std::error_code failure;
  std::filesystem::create_directories(options_.folder, failure);
  if (failure)
    return Error{Code::kInternal, "cannot create " + options_.folder.string() + ": " + failure.message(), ""};
  for (const ProcessRecord& record : read_records(options_.folder)) adopt(record);
  std::ranges::sort(workers_, {}, [](const Entry& worker) {  // 10 comes after 9
    const Instance& instance = worker->instance;
    return std::tuple(instance.launched_ms, instance.name.size(), instance.name);
  });
  return {};
}

void Processes::adopt(const ProcessRecord& record) {
  auto worker = std::make_shared<Worker>(executor_, record);
  worker->recorded = true;
  workers_.push_back(worker);
  Instance& instance = worker->instance;
  if (instance.state == InstanceState::kStopped) return;
  const InstanceState before = instance.state;
  const Result<Process> process = find_process(instance.pid, record.start_ticks, record.arguments);
  if (!process) {
    // Told later, not now: the owner is still waiting for open() to return.
    asio::post(executor_, [this, weak = std::weak_ptr(worker)] {
      if (const Entry there = weak.lock()) end(there, "ended while its owner was away");
    });
    if (!drains(before)) enter(worker, record.pooled ? InstanceState::kStopping : InstanceState::kShuttingDown);
    return;
  }
  log_.info("instance_adopted", {{"instance", instance.id}, {"name", instance.name}, {"pid", process->pid}});
  instance.pid = process->pid;
  worker->record.start_ticks = process->start_ticks;
  enter(worker, InstanceState::kRunning);
  watch(worker, process->pidfd);
  if (drains(before)) leave(worker, before);
}

Result<void> Processes::fill_pool() {
  if (options_.pool == 0) {  // an earlier profile's pool would stay for ever
    std::erase_if(workers_, [this](const Entry& worker) {
      if (!worker->record.pooled || worker->instance.state != InstanceState::kStopped) return false;
      std::error_code absent;
      return std::filesystem::remove(record_path(worker->instance.id), absent);
    });
  }
  std::set<std::string> there;
  for (const Entry& worker : workers_)
    if (worker->instance.state != InstanceState::kTerminated) there.insert(worker->instance.name);
  for (std::uint32_t number = 1; number <= options_.pool; ++number) {
    ProcessRecord record;
    record.pooled = true;
    record.instance.id = "i-" + random_hex(random_, 17);
    record.instance.name = options_.name_prefix + std::to_string(number);
    if (there.contains(record.instance.name)) continue;
    record.instance.launched_ms = clock_.wall_ms();
    auto worker = std::make_shared<Worker>(executor_, std::move(record));
    enter(worker, InstanceState::kStopped);
    workers_.push_back(worker);
    if (auto saved = save(worker); !saved) return saved;
  }
  return {};
}

Instance Processes::shown(const Entry& worker) const {
  Instance instance = worker->instance;
  if (instance.pid == 0) return instance;
  const Status status = read_status_file(status_path(instance.id));
  instance.worker = status.state;
  instance.worker_since_ms = status.since_ms;
  instance.jobs_done += status.jobs_done;  // to those of its earlier processes
  return instance;
}

Task<Result<std::vector<Instance>>> Processes::list() {
  forget_old();
  std::vector<Instance> instances;
  instances.reserve(workers_.size());
  for (const Entry& worker : workers_) instances.push_back(shown(worker));
  std::ranges::stable_sort(instances, {}, &Instance::launched_ms);
  co_return instances;
}

// What an earlier launch with the same token launched; empty if there was none.
Result<std::vector<Instance>> Processes::launched_before(const Launch& launch) const {
  std::vector<Instance> instances;
  if (launch.token.empty()) return instances;
  for (const Entry& worker : workers_) {
    if (worker->record.token != launch.token) continue;
    if (worker->record.terms != terms_of(launch))
      return Error{Code::kConflict, "this token was used for a launch with other terms; use a new one", "token"};
    instances.push_back(shown(worker));
  }
  return instances;
}

Task<Result<std::vector<Instance>>> Processes::launch(Launch launch) {
  if (launch.count == 0 || launch.at_least > launch.count)
    co_return Error{Code::kInvalidInput, "launch at least one instance, and no fewer than are needed", "count"};
  if (launch.tags.size() > limits::kInstanceTags) co_return too_many_tags();
  forget_old();
  auto launched = launched_before(launch);
  if (!launched || !launched->empty()) co_return launched;
  const std::uint32_t free = options_.cap - std::min(options_.cap, live_count());
  if (closing_ || free < std::max(launch.at_least, 1u)) co_return no_capacity();
  for (std::uint32_t left = std::min(launch.count, free); left > 0; --left) {
    ProcessRecord record;
    record.token = launch.token;
    record.terms = launch.token.empty() ? "" : terms_of(launch);
    Instance& instance = record.instance;
    instance.id = "i-" + random_hex(random_, 17);
    instance.tags = launch.tags;
    instance.image_id = launch.image_id;
    instance.type = launch.type;
    if (const auto named = instance.tags.extract("Name"); named) instance.name = named.mapped();
    if (instance.name.empty() || instance.name == options_.name_prefix) instance.name = free_name();
    auto worker = std::make_shared<Worker>(executor_, std::move(record));
    workers_.push_back(worker);
    begin(worker);
    launched->push_back(worker->instance);
    launched->back().state = InstanceState::kPending;  // as EC2 answers, however soon it runs
  }
  co_return launched;
}

Task<Result<void>> Processes::start(std::vector<std::string> ids) {
  auto found = find_all(ids);
  if (!found) co_return found.error();
  std::uint32_t needed = 0;
  for (const Entry& worker : *found) {
    const InstanceState state = worker->instance.state;
    if (state == InstanceState::kStopped) ++needed;
    if (drains(state) || state == InstanceState::kTerminated) co_return wrong_state(worker->instance, "started");
  }
  if (needed > 0 && (closing_ || live_count() + needed > options_.cap)) co_return no_capacity();
  for (const Entry& worker : *found)
    if (worker->instance.state == InstanceState::kStopped) begin(worker);
  co_return Result<void>();
}

void Processes::begin(const Entry& worker) {
  enter(worker, InstanceState::kPending);
  worker->instance.launched_ms = worker->instance.state_since_ms;
  worker->instance.state_reason.clear();
  if (options_.start_delay == Millis{0}) return boot(worker);
  worker->timer.expires_after(options_.start_delay);
  worker->timer.async_wait([this, weak = std::weak_ptr(worker)](const boost::system::error_code& stopped) {
    const Entry there = weak.lock();
    if (!stopped && there && there->instance.state == InstanceState::kPending) boot(there);
  });
}

// The record is written before the process exists and again with its pid, so that an owner that dies in between leaves
// enough for the next one to find the process by its command line.
void Processes::boot(const Entry& worker) {
  Instance& instance = worker->instance;
  const Command command = options_.command(instance.id, status_path(instance.id));
  worker->record.arguments = command.arguments;
  worker->record.start_ticks = 0;
  enter(worker, InstanceState::kRunning);
  if (auto saved = save(worker); !saved) return end(worker, saved.error().message);
  const Result<Process> process = spawn(command);
  if (!process) return end(worker, process.error().message);
  instance.pid = process->pid;
  worker->record.start_ticks = process->start_ticks;
  save_or_warn(worker);
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

Task<Result<void>> Processes::stop(std::vector<std::string> ids) {
  auto found = find_all(ids);
  if (!found) co_return found.error();
  for (const Entry& worker : *found) {
    const InstanceState state = worker->instance.state;
    if (state == InstanceState::kPending || state == InstanceState::kShuttingDown ||
        state == InstanceState::kTerminated)
      co_return wrong_state(worker->instance, "stopped");
  }
  for (const Entry& worker : *found)
    if (worker->instance.state == InstanceState::kRunning) leave(worker, InstanceState::kStopping);
  co_return Result<void>();
}

Task<Result<void>> Processes::terminate(std::vector<std::string> ids) {
  auto found = find_all(ids);
  if (!found) co_return found.error();
  for (const Entry& worker : *found) {
    worker->record.pooled = false;  // however its process ends now, it is not started again
    switch (worker->instance.state) {
      case InstanceState::kPending: end(worker, "terminated before it started"); break;
      case InstanceState::kStopped: end(worker, "terminated while it was stopped"); break;
      case InstanceState::kRunning: leave(worker, InstanceState::kShuttingDown); break;
      case InstanceState::kStopping:
        enter(worker, InstanceState::kShuttingDown);
        save_or_warn(worker);
        break;
      case InstanceState::kShuttingDown:
      case InstanceState::kTerminated: break;
    }
  }
  co_return Result<void>();
}

Task<Result<void>> Processes::create_tags(std::vector<std::string> ids, Tags tags) {
  auto found = find_all(ids);
  if (!found) co_return found.error();
  const auto named = tags.extract("Name");
  for (const Entry& worker : *found) {
    Tags all = tags;
    all.insert(worker->instance.tags.begin(), worker->instance.tags.end());
    if (all.size() + 1 > limits::kInstanceTags) co_return too_many_tags();
  }
  for (const Entry& worker : *found) {
    if (named) worker->instance.name = named.mapped();
    for (const auto& [key, value] : tags) worker->instance.tags.insert_or_assign(key, value);
    if (worker->recorded) save_or_warn(worker);
  }
  co_return Result<void>();
}

Task<Result<void>> Processes::delete_tags(std::vector<std::string> ids,
                                          std::map<std::string, std::optional<std::string>> keys) {
  auto found = find_all(ids);
  if (!found) co_return found.error();
  for (const Entry& worker : *found) {
    for (const auto& [key, value] : keys) {
      if (key == "Name" && (!value || *value == worker->instance.name)) worker->instance.name.clear();
      const auto tag = worker->instance.tags.find(key);
      if (tag != worker->instance.tags.end() && (!value || *value == tag->second)) worker->instance.tags.erase(tag);
    }
    if (worker->recorded) save_or_warn(worker);
  }
  co_return Result<void>();
}

void Processes::leave(const Entry& worker, InstanceState draining) {
  enter(worker, draining);
  worker->instance.state_reason = draining == InstanceState::kStopping ? "asked to stop" : "asked to leave";
  send_signal(worker->exit.native_handle(), SIGTERM);
  save_or_warn(worker);
  worker->timer.expires_after(options_.stop_grace);
  worker->timer.async_wait([this, weak = std::weak_ptr(worker)](const boost::system::error_code& stopped) {
    const Entry there = weak.lock();
    if (stopped || !there || !drains(there->instance.state)) return;
    log_.warn("instance_killed", {{"instance", there->instance.id}, {"reason", "did not leave in time"}});
    send_signal(there->exit.native_handle(), SIGKILL);
  });
}

// Its process has ended, or never was.
void Processes::end(const Entry& worker, std::string reason) {
  Instance& instance = worker->instance;
  const bool was_stopped = instance.state == InstanceState::kStopped;
  const bool stays = worker->record.pooled || instance.state == InstanceState::kStopping;
  worker->timer.cancel();
  boost::system::error_code ignored;
  worker->exit.close(ignored);
  instance.jobs_done += read_status_file(status_path(instance.id)).jobs_done;
  instance.pid = 0;
  instance.state_reason = std::move(reason);
  enter(worker, stays ? InstanceState::kStopped : InstanceState::kTerminated);
  std::error_code absent;
  std::filesystem::remove(status_path(instance.id), absent);
  if (stays) {
    save_or_warn(worker);
  } else {
    worker->forget_at = clock_.now() + options_.terminated_kept;
    worker->recorded = false;
    std::filesystem::remove(record_path(instance.id), absent);
  }
  log_.info("instance_ended", {{"instance", instance.id}, {"name", instance.name}, {"reason", instance.state_reason}});
  if (options_.on_exit && !was_stopped) options_.on_exit(instance.id);
  ended_.cancel();
}

void Processes::forget_old() {
  auto ended = static_cast<std::size_t>(
      std::ranges::count_if(workers_, [](const Entry& worker) { return worker->forget_at.has_value(); }));
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
    if (worker->instance.state == InstanceState::kPending) end(worker, "ended before it started");
    if (worker->instance.state == InstanceState::kRunning)
      leave(worker, worker->record.pooled ? InstanceState::kStopping : InstanceState::kShuttingDown);
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
  if (auto filled = fleet->fill_pool(); !filled) return filled.error();
  return std::unique_ptr<ProcessFleet>(std::move(fleet));
}

}  // namespace facefleet::fleet
