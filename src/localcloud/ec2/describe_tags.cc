#include <algorithm>
#include <array>

#include "localcloud/ec2/actions.h"
#include "localcloud/ec2/filters.h"

namespace facefleet::localcloud::ec2 {
namespace {

constexpr std::size_t kPageMin = 5;

struct Tag {
  std::string resource_id, key, value;
  std::string token() const { return resource_id + "/" + key; }
};

struct Row {
  std::string_view name;
  std::string (*of)(const Tag& tag);
};
constexpr std::array kTagFilters{
    Row{"key", [](const Tag& tag) { return tag.key; }},
    Row{"resource-id", [](const Tag& tag) { return tag.resource_id; }},
    Row{"resource-type", [](const Tag&) { return std::string("instance"); }},
    Row{"value", [](const Tag& tag) { return tag.value; }},
};

Result<void> filter(const Call& call, std::vector<Tag>& tags) {
  for (const aws::Parameter* filter : call.parameters.list("Filter", "Filter")) {
    const std::string_view name = filter->text_of("Name").value_or("");
    const auto* row = std::ranges::find(kTagFilters, name, &Row::name);
    if (row == kTagFilters.end())
      return ec2_error(Code::kInvalidInput, "InvalidParameterValue",
                       "The filter '" + std::string(name) + "' is invalid");
    const auto patterns = filter->list("Value", "Value");
    std::erase_if(tags, [&](const Tag& tag) {
      return std::ranges::none_of(patterns,
                                  [&](const aws::Parameter* pattern) { return matches(pattern->text, row->of(tag)); });
    });
  }
  return {};
}

}  // namespace

Task<Result<void>> describe_tags(Call& call) {
  const auto page = read_page(call, kPageMin, false);
  if (!page) co_return page.error();
  const auto listed = co_await list_all(call);
  if (!listed) co_return listed.error();
  std::vector<Tag> tags;
  for (const fleet::Instance& instance : *listed)
    for (auto& [key, value] : tags_of(instance)) tags.push_back({instance.id, std::move(key), std::move(value)});
  if (auto filtered = filter(call, tags); !filtered) co_return filtered;
  const auto more = cut_page(tags, *page, &Tag::token);
  if (!more) co_return more.error();

  aws::XmlWriter xml(call.result);
  xml.open("tagSet");
  for (const Tag& tag : tags) {
    xml.open("item");
    xml.text("resourceId", tag.resource_id);
    xml.text("resourceType", "instance");
    xml.text("key", tag.key);
    xml.text("value", tag.value);
    xml.close("item");
  }
  xml.close("tagSet");
  if (*more) xml.text("nextToken", tags.back().token());
  co_return Result<void>();
}

}  // namespace facefleet::localcloud::ec2
