#include "localcloud/ec2/filters.h"

#include <algorithm>
#include <array>

#include "localcloud/ec2/instance_facts.h"

namespace facefleet::localcloud::ec2 {
namespace {

using Texts = std::vector<std::string>;

struct Row {
  std::string_view name;
  Texts (*of)(const fleet::Instance& instance);  // one of which must match
};

constexpr std::string_view kTagPrefix = "tag:";

Texts tag_keys(const fleet::Instance& instance) {
  Texts keys;
  for (auto& [key, value] : tags_of(instance)) keys.push_back(key);
  return keys;
}

Texts tag_values(const fleet::Instance& instance) {
  Texts values;
  for (auto& [key, value] : tags_of(instance)) values.push_back(value);
  return values;
}

// `tag:KEY` is not here, as its name says which tag.
constexpr std::array kFilters{
    Row{"image-id", [](const fleet::Instance& of) { return Texts{std::string(image_of(of))}; }},
    Row{"instance-id", [](const fleet::Instance& of) { return Texts{of.id}; }},
    Row{"instance-state-code",
        [](const fleet::Instance& of) { return Texts{std::to_string(static_cast<int>(of.state))}; }},
    Row{"instance-state-name", [](const fleet::Instance& of) { return Texts{std::string(to_string(of.state))}; }},
    Row{"instance-type", [](const fleet::Instance& of) { return Texts{std::string(type_of(of))}; }},
    Row{"private-ip-address", [](const fleet::Instance&) { return Texts{std::string(kAddress)}; }},
    Row{"tag-key", &tag_keys},
    Row{"tag-value", &tag_values},
};

Texts tag_value(const fleet::Instance& instance, std::string_view key) {
  for (auto& [name, value] : tags_of(instance))
    if (name == key) return {value};
  return {};
}

bool passes(const fleet::Instance& instance, std::string_view filter, const Row* row,
            const std::vector<const aws::Parameter*>& patterns) {
  const Texts texts = row != nullptr ? row->of(instance) : tag_value(instance, filter.substr(kTagPrefix.size()));
  return std::ranges::any_of(texts, [&](const std::string& text) {
    return std::ranges::any_of(patterns, [&](const aws::Parameter* pattern) { return matches(pattern->text, text); });
  });
}

}  // namespace

// Greedy, with one place to return to: a later `*` never needs an earlier one tried again.
bool matches(std::string_view pattern, std::string_view text) {
  std::size_t at = 0;
  std::size_t star = std::string_view::npos;  // in the pattern, and where in the text its run ends so far
  std::size_t run = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      run = i;
      continue;
    }
    const bool escaped = at + 1 < pattern.size() && pattern[at] == '\\';
    const bool any = at < pattern.size() && pattern[at] == '?';
    if (at < pattern.size() && (any || pattern[at + (escaped ? 1 : 0)] == text[i])) {
      at += escaped ? 2 : 1;
      ++i;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      i = ++run;
    } else {
      return false;
    }
  }
  return std::ranges::all_of(pattern.substr(at), [](char c) { return c == '*'; });
}

Result<std::vector<fleet::Instance>> apply_filters(const Call& call, std::vector<fleet::Instance> instances) {
  for (const aws::Parameter* filter : call.parameters.list("Filter", "Filter")) {
    const std::string_view name = filter->text_of("Name").value_or("");
    const auto row = std::ranges::find(kFilters, name, &Row::name);
    if (row == kFilters.end() && !name.starts_with(kTagPrefix))
      return ec2_error(Code::kInvalidInput, "InvalidParameterValue",
                       "The filter '" + std::string(name) + "' is invalid");
    const auto patterns = filter->list("Value", "Value");
    std::erase_if(instances, [&](const fleet::Instance& instance) {
      return !passes(instance, name, row == kFilters.end() ? nullptr : &*row, patterns);
    });
  }
  return instances;
}

}  // namespace facefleet::localcloud::ec2
