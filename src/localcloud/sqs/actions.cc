#include "localcloud/sqs/actions.h"

#include <algorithm>
#include <array>

namespace facefleet::localcloud::sqs {
namespace {

// By name.
constexpr std::array kActions{
    Action{"AddPermission", &permission, false},
    Action{"CancelMessageMoveTask", &message_move_task, true},
    Action{"ChangeMessageVisibility", &change_message_visibility, false},
    Action{"ChangeMessageVisibilityBatch", &change_message_visibility_batch, true},
    Action{"CreateQueue", &create_queue, true},
    Action{"DeleteMessage", &delete_message, false},
    Action{"DeleteMessageBatch", &delete_message_batch, true},
    Action{"DeleteQueue", &delete_queue, false},
    Action{"GetQueueAttributes", &get_queue_attributes, true},
    Action{"GetQueueUrl", &get_queue_url, true},
    Action{"ListDeadLetterSourceQueues", &list_dead_letter_source_queues, true},
    Action{"ListMessageMoveTasks", &message_move_task, true},
    Action{"ListQueueTags", &list_queue_tags, true},
    Action{"ListQueues", &list_queues, true},
    Action{"PurgeQueue", &purge_queue, false},
    Action{"ReceiveMessage", &receive_message, true},
    Action{"RemovePermission", &permission, false},
    Action{"SendMessage", &send_message, true},
    Action{"SendMessageBatch", &send_message_batch, true},
    Action{"SetQueueAttributes", &set_queue_attributes, false},
    Action{"StartMessageMoveTask", &message_move_task, true},
    Action{"TagQueue", &tag_queue, false},
    Action{"UntagQueue", &untag_queue, false},
};
static_assert(std::ranges::is_sorted(kActions, {}, &Action::name));

}  // namespace

const Action* find_action(std::string_view name) {
  const auto found = std::ranges::lower_bound(kActions, name, {}, &Action::name);
  return found != kActions.end() && found->name == name ? &*found : nullptr;
}

}  // namespace facefleet::localcloud::sqs
