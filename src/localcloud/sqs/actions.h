// The actions of SQS that this door knows: one file each, one row each in actions.cc.
#pragma once

#include <string_view>

#include "base/task.h"
#include "localcloud/sqs/call.h"

namespace facefleet::localcloud::sqs {

// Does the action and writes what it answers to call.result. An Error's reason is SQS's code (errors.h).
using Perform = Task<Result<void>> (*)(Call& call);

struct Action {
  std::string_view name;
  Perform perform;
  bool has_result;  // whether the query form has a <…Result> at all
};

// Null if there is none of that name.
const Action* find_action(std::string_view name);

Task<Result<void>> change_message_visibility(Call& call);
Task<Result<void>> change_message_visibility_batch(Call& call);
Task<Result<void>> create_queue(Call& call);
Task<Result<void>> delete_message(Call& call);
Task<Result<void>> delete_message_batch(Call& call);
Task<Result<void>> delete_queue(Call& call);
Task<Result<void>> get_queue_attributes(Call& call);
Task<Result<void>> get_queue_url(Call& call);
Task<Result<void>> list_dead_letter_source_queues(Call& call);
Task<Result<void>> list_queue_tags(Call& call);
Task<Result<void>> list_queues(Call& call);
Task<Result<void>> message_move_task(Call& call);
Task<Result<void>> permission(Call& call);
Task<Result<void>> purge_queue(Call& call);
Task<Result<void>> receive_message(Call& call);
Task<Result<void>> send_message(Call& call);
Task<Result<void>> send_message_batch(Call& call);
Task<Result<void>> set_queue_attributes(Call& call);
Task<Result<void>> tag_queue(Call& call);
Task<Result<void>> untag_queue(Call& call);

}  // namespace facefleet::localcloud::sqs
