#include "localcloud/dynamodb/actions.h"

#include <algorithm>
#include <array>

namespace facefleet::localcloud::dynamodb {
namespace {

// By name.
constexpr std::array kActions{
    Action{"BatchGetItem", &batch_get_item},
    Action{"BatchWriteItem", &batch_write_item},
    Action{"CreateTable", &create_table},
    Action{"DeleteItem", &delete_item},
    Action{"DeleteTable", &delete_table},
    Action{"DescribeTable", &describe_table},
    Action{"GetItem", &get_item},
    Action{"ListTables", &list_tables},
    Action{"PutItem", &put_item},
    Action{"Scan", &scan},
};
static_assert(std::ranges::is_sorted(kActions, {}, &Action::name));

}  // namespace

const Action* find_action(std::string_view name) {
  const auto found = std::ranges::find(kActions, name, &Action::name);
  return found == kActions.end() ? nullptr : &*found;
}

}  // namespace facefleet::localcloud::dynamodb
