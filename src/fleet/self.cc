#include "fleet/self.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>

namespace facefleet::fleet {
namespace {

// The file, as both sides map it. State and its time share one word, so that a reader never sees the one without the
// other and neither side needs a lock: the state in the top 8 bits, wall-clock milliseconds in the other 56.
struct Page {
  std::atomic<std::uint64_t> magic;
  std::atomic<std::uint64_t> state_and_since;
  std::atomic<std::int64_t> jobs_done;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && sizeof(Page) == 24);

constexpr std::uint64_t kMagic = 0x3173'7461'7473'6666;  // "ffstats1", little-endian
constexpr int kStateShift = 56;
constexpr std::uint64_t kSinceMask = (std::uint64_t{1} << kStateShift) - 1;

std::uint64_t pack(WorkerState state, std::int64_t since_ms) {
  return static_cast<std::uint64_t>(state) << kStateShift | (static_cast<std::uint64_t>(since_ms) & kSinceMask);
}

Error cannot(const std::string& what, const std::filesystem::path& path) {
  return {Code::kInternal, "cannot " + what + " the status file " + path.string() + ": " + std::strerror(errno), ""};
}

class MappedSelf final : public Self {
 public:
  MappedSelf(Page* page, std::string instance_id, const Clock& clock)
      : page_(page), instance_id_(std::move(instance_id)), clock_(clock) {}
  ~MappedSelf() override { ::munmap(page_, sizeof(Page)); }
  MappedSelf(const MappedSelf&) = delete;
  MappedSelf& operator=(const MappedSelf&) = delete;

  const std::string& instance_id() const override { return instance_id_; }

  // A job done in between starts the state anew: who is idle again after one more job has just become idle.
  void report(WorkerState state, std::int64_t jobs_done) override {
    const std::uint64_t before = page_->state_and_since.load(std::memory_order_relaxed);
    const bool same = before >> kStateShift == static_cast<std::uint64_t>(state) &&
                      page_->jobs_done.load(std::memory_order_relaxed) == jobs_done;
    if (same && (before & kSinceMask) != 0) return;
    page_->jobs_done.store(jobs_done, std::memory_order_relaxed);
    page_->state_and_since.store(pack(state, clock_.wall_ms()), std::memory_order_release);
  }

 private:
  Page* page_;
  std::string instance_id_;
  const Clock& clock_;
};

// What the teller and its coroutine share: the one may go before the other.
struct Told {
  asio::steady_timer changed;
  WorkerState state = WorkerState::kUnknown;
  std::int64_t since_ms = 0, jobs_done = 0;
  bool fresh = false;  // not told yet
  bool left = false;   // nobody reports any more
};

Task<> tell(std::shared_ptr<Told> told, Fleet& fleet, std::string id, Log log, Millis pause) {
  while (!told->left) {
    if (!told->fresh) {
      told->changed.expires_at(MonoTime::max());
      boost::system::error_code ignored;
      co_await told->changed.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      continue;
    }
    told->fresh = false;
    Tags tags{{"facefleet:worker", std::string(to_string(told->state))},
              {"facefleet:worker-since", std::to_string(told->since_ms)},
              {"facefleet:jobs-done", std::to_string(told->jobs_done)}};
    std::vector<std::string> ids{id};
    const auto done = co_await fleet.create_tags(std::move(ids), std::move(tags));
    if (!done) {
      log.warn("cannot tell the fleet what this worker does", {{"why", done.error().message}});
      told->fresh = true;
    }
    co_await sleep_for(pause);
  }
}

class TagSelf final : public Self {
 public:
  TagSelf(const Executor& executor, Fleet& fleet, std::string instance_id, const Clock& clock, Log log, Millis pause)
      : executor_(executor),
        instance_id_(std::move(instance_id)),
        clock_(clock),
        told_(std::make_shared<Told>(Told{asio::steady_timer(executor)})) {
    asio::co_spawn(executor, tell(told_, fleet, instance_id_, std::move(log), pause), asio::detached);
  }
  ~TagSelf() override {
    told_->left = true;
    told_->changed.cancel();
  }
  TagSelf(const TagSelf&) = delete;
  TagSelf& operator=(const TagSelf&) = delete;

  const std::string& instance_id() const override { return instance_id_; }

  void report(WorkerState state, std::int64_t jobs_done) override {
    asio::post(executor_, [told = told_, state, jobs_done, now_ms = clock_.wall_ms()] {
      if (told->state == state && told->jobs_done == jobs_done) return;
      told->state = state;
      told->jobs_done = jobs_done;
      told->since_ms = now_ms;
      told->fresh = true;
      told->changed.cancel();
    });
  }

 private:
  const Executor executor_;
  const std::string instance_id_;
  const Clock& clock_;
  const std::shared_ptr<Told> told_;
};

}  // namespace

std::unique_ptr<Self> open_tag_self(const Executor& executor, Fleet& fleet, std::string instance_id, const Clock& clock,
                                    Log log, Millis pause) {
  return std::make_unique<TagSelf>(executor, fleet, std::move(instance_id), clock, std::move(log), pause);
}

Result<std::unique_ptr<Self>> open_status_file(const std::filesystem::path& path, std::string instance_id,
                                               const Clock& clock) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return cannot("open", path);
  if (::ftruncate(fd, sizeof(Page)) != 0) {
    Error error = cannot("size", path);
    ::close(fd);
    return error;
  }
  void* data = ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (data == MAP_FAILED) {
    Error error = cannot("map", path);
    ::close(fd);
    return error;
  }
  ::close(fd);
  auto* page = static_cast<Page*>(data);
  page->state_and_since.store(pack(WorkerState::kUnknown, 0));
  page->jobs_done.store(0);
  page->magic.store(kMagic);
  return std::unique_ptr<Self>(std::make_unique<MappedSelf>(page, std::move(instance_id), clock));
}

Status read_status_file(const std::filesystem::path& path) {
  Status status;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return status;
  struct stat about {};
  // A page that lies past the file's end would fault when read.
  const bool whole = ::fstat(fd, &about) == 0 && about.st_size >= static_cast<off_t>(sizeof(Page));
  void* data = whole ? ::mmap(nullptr, sizeof(Page), PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
  ::close(fd);
  if (data == MAP_FAILED) return status;
  const auto* page = static_cast<const Page*>(data);
  const std::uint64_t packed = page->state_and_since.load(std::memory_order_acquire);
  const auto state = packed >> kStateShift;
  if (page->magic.load() == kMagic && state <= static_cast<std::uint64_t>(WorkerState::kDraining)) {
    status.state = static_cast<WorkerState>(state);
    status.since_ms = static_cast<std::int64_t>(packed & kSinceMask);
    status.jobs_done = page->jobs_done.load(std::memory_order_relaxed);
  }
  ::munmap(data, sizeof(Page));
  return status;
}

}  // namespace facefleet::fleet
