// Processes of this machine as the kernel shows them: starting one, finding one again, signalling it, learning its end.
// Everything after the start goes through a pidfd, which names one process for ever, whereas a pid is given out again.
#pragma once

#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "fleet/backends/process_fleet.h"

namespace facefleet::fleet {

struct Process {
  int pid = 0;
  int pidfd = -1;                 // the caller closes it; readable once the process has ended
  std::uint64_t start_ticks = 0;  // clock ticks from boot to its start: with the pid, unique until the next boot
};

// Starts a process in a process group of its own (a Ctrl-C at the owner's terminal reaches the owner alone), with
// standard input from /dev/null, standard output and error inherited, every other descriptor closed, no signal
// blocked or ignored.
Result<Process> spawn(const Command& command);

// The process that a record names, if it still runs: by pid, start time and command line; by command line alone where
// the record has no pid. kNotFound otherwise.
Result<Process> find_process(int pid, std::uint64_t start_ticks, const std::vector<std::string>& arguments);

// Nothing if there is no such process, or it has ended and not been reaped.
std::optional<std::uint64_t> start_ticks(int pid);

// A process that has ended meanwhile is not an error.
void send_signal(int pidfd, int signal);

// Of a process that has ended: how, in words ("exited with status 3", "killed by signal 9"). Reaps it if it is a child.
std::string reap(int pidfd);

}  // namespace facefleet::fleet
