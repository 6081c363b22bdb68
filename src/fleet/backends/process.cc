#include "fleet/backends/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
extern "C" {  // glibc 2.36 declares these without C linkage for C++
#include <sys/pidfd.h>
}

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace facefleet::fleet {
namespace {

constexpr int kFirstClosedDescriptor = 3;

std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// As /proc/<pid>/cmdline has it: each argument ended by a NUL.
std::string command_line(const std::vector<std::string>& arguments) {
  std::string line;
  for (const std::string& argument : arguments) {
    line += argument;
    line += '\0';
  }
  return line;
}

std::string_view name_of(std::string_view variable) { return variable.substr(0, variable.find('=')); }

// This process's environment with `added` laid over it.
std::vector<std::string> merged_environment(const std::vector<std::string>& added) {
  std::vector<std::string> all = added;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const bool replaced =
        std::ranges::any_of(added, [&](const std::string& one) { return name_of(one) == name_of(*variable); });
    if (!replaced) all.emplace_back(*variable);
  }
  return all;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (const std::string& text : texts) all.push_back(const_cast<char*>(text.c_str()));
  all.push_back(nullptr);
  return all;
}

int spawn_pid(const Command& command, int* pid) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  // Asio's sockets are not close-on-exec: a worker that held the listening one would keep the port taken.
  posix_spawn_file_actions_addclosefrom_np(&files, kFirstClosedDescriptor);
  posix_spawnattr_t how;
  posix_spawnattr_init(&how);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&how, &none);
  posix_spawnattr_setsigdefault(&how, &all);
  posix_spawnattr_setpgroup(&how, 0);
  posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  const std::vector<std::string> environment = merged_environment(command.environment);
  const int failure = ::posix_spawn(pid, command.program.c_str(), &files, &how, pointers(command.arguments).data(),
                                    pointers(environment).data());
  posix_spawnattr_destroy(&how);
  posix_spawn_file_actions_destroy(&files);
  return failure;
}

}  // namespace

Result<Process> spawn(const Command& command) {
  Process process;
  if (const int failure = spawn_pid(command, &process.pid); failure != 0)
    return Error{Code::kInternal, "cannot start " + command.program.string() + ": " + std::strerror(failure), ""};
  process.pidfd = ::pidfd_open(process.pid, 0);
  if (process.pidfd < 0) {
    const int failure = errno;
    ::kill(process.pid, SIGKILL);
    ::waitpid(process.pid, nullptr, 0);
    return Error{Code::kInternal, std::string("cannot watch a worker process: ") + std::strerror(failure), ""};
  }
  process.start_ticks = start_ticks(process.pid).value_or(0);
  return process;
}

namespace {

// The oldest process of that command line: a process that it has just forked still shows the same one.
std::optional<Process> oldest_of(const std::string& line) {
  std::optional<Process> oldest;
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", failure)) {
    const std::string name = entry.path().filename().string();
    int pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) continue;
    if (slurp(entry.path().string() + "/cmdline") != line) continue;
    const auto ticks = start_ticks(pid);
    if (!ticks || (oldest && std::pair(*ticks, pid) >= std::pair(oldest->start_ticks, oldest->pid))) continue;
    oldest = Process{pid, -1, *ticks};
  }
  return oldest;
}

}  // namespace

Result<Process> find_process(int pid, std::uint64_t ticks, const std::vector<std::string>& arguments) {
  const std::string wanted = command_line(arguments);
  if (pid == 0) {
    if (const auto oldest = oldest_of(wanted)) {
      pid = oldest->pid;
      ticks = oldest->start_ticks;
    }
  }
  const Error gone{Code::kNotFound, "the worker process has ended", "no_such_process"};
  if (pid == 0) return gone;
  Process process{pid, ::pidfd_open(pid, 0), ticks};
  if (process.pidfd < 0) return gone;
  // Checked once the pidfd holds the process, so that no other can take its pid in between. A process that has only
  // just been started shows no command line until the kernel has laid out its stack.
  const std::string line = slurp("/proc/" + std::to_string(pid) + "/cmdline");
  if (start_ticks(pid) == ticks && (line == wanted || line.empty())) return process;
  ::close(process.pidfd);
  return gone;
}

std::optional<std::uint64_t> start_ticks(int pid) {
  const std::string stat = slurp("/proc/" + std::to_string(pid) + "/stat");
  // The second field, the name in parentheses, may hold anything, so fields are counted from its end: the next one is
  // the third, the state; the twenty-second is the start time (proc(5)).
  const auto name_end = stat.rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= stat.size()) return std::nullopt;
  std::string_view rest = std::string_view(stat).substr(name_end + 2);
  if (rest[0] == 'Z' || rest[0] == 'X') return std::nullopt;
  for (int field = 3; field < 22; ++field) {
    const auto blank = rest.find(' ');
    if (blank == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(blank + 1);
  }
  std::uint64_t ticks = 0;
  if (std::from_chars(rest.data(), rest.data() + rest.size(), ticks).ec != std::errc()) return std::nullopt;
  return ticks;
}

void send_signal(int pidfd, int signal) { ::pidfd_send_signal(pidfd, signal, nullptr, 0); }

std::string reap(int pidfd) {
  siginfo_t info{};
  if (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0)
    return "ended; how is known only to the process that started it";
  if (info.si_code == CLD_EXITED) return "exited with status " + std::to_string(info.si_status);
  return "killed by signal " + std::to_string(info.si_status);
}

}  // namespace facefleet::fleet
