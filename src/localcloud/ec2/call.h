// What every EC2 action is handed, and what they share. Thread rule: base/task.h.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/wire.h"
#include "base/task.h"
#include "fleet/fleet.h"

namespace facefleet::localcloud::ec2 {

// What the door hands to all its calls.
struct Service {
  fleet::Fleet* fleet;  // null: there is none on this machine
  std::string region;
  std::string account;
  // Instances that are shown beside the fleet's and are not its own: the gateway. They can be neither started nor
  // stopped, terminated or tagged. May be null.
  std::function<std::vector<fleet::Instance>()> others;
};

// One call; lives until its action has ended.
struct Call {
  Service& service;
  fleet::Fleet& fleet;
  aws::Parameter parameters;
  std::string result;  // the inside of <ActionResponse>, behind <requestId>
};

// An Error whose reason is EC2's code.
Error ec2_error(Code code, std::string_view aws_code, std::string_view message);

// The call's InstanceId.1, .2, …; InvalidInstanceID.Malformed if one is no id.
Result<std::vector<std::string>> instance_ids(const Call& call);
// The call's ResourceId.1, …, which must all be instances of the fleet: InvalidID, InvalidInstanceID.NotFound.
Result<std::vector<std::string>> resource_ids(const Call& call);
// The fleet's instances, oldest first, and then the others.
Task<Result<std::vector<fleet::Instance>>> list_all(const Call& call);
// OperationNotPermitted, with a sentence that names it, if one of `ids` is an instance that is not the fleet's.
Result<void> check_of_fleet(const Call& call, const std::vector<std::string>& ids);
// Those of `all` that `ids` name; InvalidInstanceID.NotFound, with all that are missing, if one is not among them.
Result<std::vector<fleet::Instance>> select_instances(const std::vector<fleet::Instance>& all,
                                                      const std::vector<std::string>& ids);

// What StartInstances, StopInstances and TerminateInstances have in common: `change` is done to all the call's
// instances or to none, and the answer says of each what it was and is.
using Change = Task<Result<void>> (fleet::Fleet::*)(std::vector<std::string> ids);
Task<Result<void>> change_states(Call& call, Change change);

// An error of the fleet in EC2's words.
Error in_ec2_words(const Error& error);

// <item> of an instancesSet, as DescribeInstances and RunInstances show an instance.
void write_instance(aws::XmlWriter& xml, const Service& service, const fleet::Instance& instance);
// <instanceState><code/><name/></instanceState>, under whichever name.
void write_state(aws::XmlWriter& xml, std::string_view element, fleet::InstanceState state);
// The reservation that an instance belongs to: one of its own.
std::string reservation_id(const fleet::Instance& instance);

// The tags of `parameter`, a list of Key and, perhaps, Value. InvalidParameterValue says what is wrong with one.
Result<std::map<std::string, std::optional<std::string>>> read_tags(const aws::Parameter& parameter);

// What is asked for, page by page: at most `max` of what comes after the one that the token names.
struct Page {
  std::size_t max = 1'000;
  std::string after;
};
// MaxResults, from `min` to 1,000, and NextToken. InvalidParameterCombination if MaxResults comes with `by_id`.
Result<Page> read_page(const Call& call, std::size_t min, bool by_id);
// Leaves in `all` what is on that page; returns whether more follows. `id_of` says by what the next token names one.
template <class T, class IdOf>
Result<bool> cut_page(std::vector<T>& all, const Page& page, IdOf id_of) {
  if (!page.after.empty()) {
    const auto last = std::ranges::find(all, page.after, id_of);
    if (last == all.end())
      return ec2_error(Code::kInvalidInput, "InvalidParameterValue", "The token '" + page.after + "' is invalid");
    all.erase(all.begin(), last + 1);
  }
  const bool more = all.size() > page.max;
  if (more) all.erase(all.begin() + static_cast<std::ptrdiff_t>(page.max), all.end());
  return more;
}

// What a worker says of itself, and the instance's own tags, as EC2 tags. `Name` comes first.
std::vector<std::pair<std::string, std::string>> tags_of(const fleet::Instance& instance);

}  // namespace facefleet::localcloud::ec2
