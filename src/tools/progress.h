// Tells a person how far a long run has come: one line that is rewritten on a terminal, a line now and then elsewhere.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>

#include "base/clock.h"

namespace facefleet::tools {

// Not thread-safe.
class Progress {
 public:
  // `what`: "photos". `out` and `clock` must outlive it.
  Progress(std::ostream& out, bool terminal, std::string what, std::size_t total, const Clock& clock);

  void step();  // one more is done
  void end();   // nothing more comes

 private:
  std::string line(MonoTime now) const;

  std::ostream& out_;
  const bool terminal_;
  const std::string what_;
  const std::size_t total_;
  const Clock& clock_;
  const MonoTime began_;
  MonoTime shown_;
  std::size_t done_ = 0;
};

}  // namespace facefleet::tools
