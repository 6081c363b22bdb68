// Receipts: 48 hexadecimal digits that name one delivery of one message of one queue. They hold the
// queue's random 64-bit number, so that no other queue takes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace facefleet::queue {

struct Delivery {
  std::uint64_t sequence = 0;  // of the message
  std::uint32_t run = 0;       // of the process that delivered it: delivery numbers may repeat after a crash
  std::uint32_t number = 0;    // the message's receive count with this delivery
};

std::string write_receipt(std::uint64_t queue, const Delivery& delivery);
// Nothing if `receipt` is not one of this queue.
std::optional<Delivery> read_receipt(std::uint64_t queue, std::string_view receipt);

}  // namespace facefleet::queue
