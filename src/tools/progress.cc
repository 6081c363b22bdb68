#include "tools/progress.h"

#include <chrono>
#include <cmath>
#include <iomanip>
#include <sstream>
#include <utility>

namespace facefleet::tools {
namespace {

constexpr Millis kRedraw{200};
constexpr Millis kReport{10'000};

std::string minutes(double seconds) {
  const long whole = std::lround(seconds);
  std::ostringstream out;
  out << whole / 60 << ':' << std::setw(2) << std::setfill('0') << whole % 60;
  return out.str();
}

}  // namespace

Progress::Progress(std::ostream& out, bool terminal, std::string what, std::size_t total, const Clock& clock)
    : out_(out),
      terminal_(terminal),
      what_(std::move(what)),
      total_(total),
      clock_(clock),
      began_(clock.now()),
      shown_(began_) {}

void Progress::step() {
  ++done_;
  const MonoTime now = clock_.now();
  if (now - shown_ < (terminal_ ? kRedraw : kReport)) return;
  shown_ = now;
  if (terminal_) {
    out_ << '\r' << line(now) << "\x1b[K" << std::flush;  // clears what an older, longer line left
  } else {
    out_ << line(now) << std::endl;
  }
}

void Progress::end() {
  if (terminal_) out_ << '\r' << line(clock_.now()) << "\x1b[K\n" << std::flush;
}

std::string Progress::line(MonoTime now) const {
  const double seconds = std::chrono::duration<double>(now - began_).count();
  const double rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
  std::ostringstream out;
  out << done_ << " of " << total_ << ' ' << what_ << ", " << std::fixed << std::setprecision(1) << rate << "/s";
  if (done_ < total_ && rate > 0) out << ", " << minutes(static_cast<double>(total_ - done_) / rate) << " left";
  return out.str();
}

}  // namespace facefleet::tools
