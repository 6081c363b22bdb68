// Templates on their way into a gallery: those that arrive while a change of the gallery is being written go into
// the next one together, so that a thousand photos cost some dozens of versions, not a thousand.
// Thread rule: base/task.h.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "gallery/gallery.h"
#include "gateway/tasks.h"

namespace facefleet::gateway {

struct Enrolled {
  bool was_present = false;  // the same photo of the same person was there already
  std::int64_t version = 0;  // of the gallery that holds it
};

class Enrolment : public std::enable_shared_from_this<Enrolment> {
 public:
  Enrolment(Executor executor, gallery::Galleries& galleries, std::shared_ptr<Tasks> tasks)
      : executor_(std::move(executor)), galleries_(galleries), tasks_(std::move(tasks)) {}

  // Sends the template on its way and returns where its result will be, once it is durably in the gallery; errors as
  // Galleries::add. A caller that goes away leaves the template on its way.
  using Receipt = std::shared_ptr<OneShot<Result<Enrolled>>>;
  Receipt add(std::string gallery, std::string model, gallery::Template face);

 private:
  struct Item {
    std::string gallery, model;
    gallery::Template face;
    Receipt done;
  };
  static Task<> run(std::shared_ptr<Enrolment> self);
  std::vector<Item> take_batch();
  Task<> commit(std::vector<Item> batch);

  Executor executor_;
  gallery::Galleries& galleries_;
  std::shared_ptr<Tasks> tasks_;
  std::deque<Item> waiting_;
  bool running_ = false;
};

}  // namespace facefleet::gateway
