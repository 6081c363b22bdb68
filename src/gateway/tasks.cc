#include "gateway/tasks.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <exception>

namespace facefleet::gateway {

struct Tasks::Running {
  std::string name;
  asio::cancellation_signal stop;
};

namespace {

// What an ended task left behind, for people; empty if it ended as it should.
std::string complaint(const std::exception_ptr& failure) {
  if (!failure) return {};
  try {
    std::rethrow_exception(failure);
  } catch (const boost::system::system_error& error) {
    return error.code() == asio::error::operation_aborted ? std::string() : error.what();
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception of unknown type";
  }
}

}  // namespace

void Tasks::spawn(std::string name, Task<> task) {
  const auto running = std::make_shared<Running>();
  running->name = std::move(name);
  const auto place = running_.insert(running_.end(), running);
  auto ended = [self = shared_from_this(), running, place](const std::exception_ptr& failure) {
    const std::string why = complaint(failure);
    if (!why.empty()) self->log_.error("task_failed", {{"task", running->name}, {"why", why}});
    self->running_.erase(place);
    if (self->running_.empty()) self->all_ended_.cancel();
  };
  asio::co_spawn(executor_, std::move(task), asio::bind_cancellation_slot(running->stop.slot(), std::move(ended)));
}

void Tasks::cancel() {
  const auto all = running_;  // ending one takes it off the list
  for (const auto& running : all) running->stop.emit(asio::cancellation_type::terminal);
}

Task<> Tasks::join(MonoTime deadline) {
  while (!running_.empty()) {
    all_ended_.expires_at(deadline);
    boost::system::error_code ended;
    co_await all_ended_.async_wait(asio::redirect_error(asio::use_awaitable, ended));
    if (ended || running_.empty()) continue;
    deadline = MonoTime::max();
    cancel();
  }
}

}  // namespace facefleet::gateway
