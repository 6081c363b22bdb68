#include "aws/endpoints.h"

#include <algorithm>
#include <array>

namespace facefleet::aws {
namespace {

struct Partition {
  std::string_view region_prefix;
  std::string_view domain;
};

// Source: botocore 1.44.5, data/partitions.json. All others, those of aws-us-gov too, are in the last one's.
constexpr auto kPartitions = std::to_array<Partition>({
    {"cn-", "amazonaws.com.cn"},
    {"eusc-", "amazonaws.eu"},
    {"us-iso-", "c2s.ic.gov"},
    {"us-isob-", "sc2s.sgov.gov"},
    {"us-isof-", "csp.hci.ic.gov"},
    {"eu-isoe-", "cloud.adc-e.uk"},
    {"", "amazonaws.com"},
});

// It becomes a part of a host's name, to which signed requests go.
bool is_region(std::string_view region) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !region.empty() && region.size() < 64 && std::ranges::all_of(region, good) && region.front() != '-' &&
         region.back() != '-';
}

}  // namespace

Result<std::string> regional_endpoint(std::string_view service, std::string_view region) {
  if (!is_region(region))
    return Error{Code::kInvalidInput, "'" + std::string(region) + "' is no AWS region; one is called eu-central-1.",
                 "bad_region"};
  const auto* partition = std::ranges::find_if(
      kPartitions, [region](const Partition& one) { return region.starts_with(one.region_prefix); });
  return "https://" + std::string(service) + "." + std::string(region) + "." + std::string(partition->domain);
}

}  // namespace facefleet::aws
