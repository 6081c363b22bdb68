// The actions of DynamoDB that this door knows: one file each (tiny twins share one), one row each in actions.cc.
#pragma once

#include "localcloud/dynamodb/call.h"

namespace facefleet::localcloud::dynamodb {

// Does the action and returns its JSON. An Error's reason is DynamoDB's code.
using Perform = Task<Result<std::string>> (*)(Call& call);

struct Action {
  std::string_view name;
  Perform perform;
};

const Action* find_action(std::string_view name);  // null if there is none

Task<Result<std::string>> batch_get_item(Call& call);
Task<Result<std::string>> batch_write_item(Call& call);
Task<Result<std::string>> create_table(Call& call);
Task<Result<std::string>> delete_item(Call& call);
Task<Result<std::string>> delete_table(Call& call);
Task<Result<std::string>> describe_table(Call& call);
Task<Result<std::string>> get_item(Call& call);
Task<Result<std::string>> list_tables(Call& call);
Task<Result<std::string>> put_item(Call& call);
Task<Result<std::string>> scan(Call& call);

}  // namespace facefleet::localcloud::dynamodb
