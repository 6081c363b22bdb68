#include "apps/alone.h"

#include "apps/cloud.h"

namespace facefleet::apps {
namespace {

constexpr double kTickAlone = 1;  // each look is two calls that AWS counts

}  // namespace

void add_role_flags(CLI::App& app, RoleFlags& flags) {
  app.add_option("--profile", flags.profile,
                 "run alone, for the system that this profile names (a name, or a .toml file), at AWS or at "
                 "AWS_ENDPOINT_URL; default: the profile of the system in --data");
  app.add_option("--set", flags.set, "any key of the profile, as key=value; may be given several times")
      ->allow_extra_args(false);
  app.add_option("--data", flags.data, "the system's data folder; with --profile: for caches and API keys")
      ->capture_default_str();
}

Result<Place> settle_place(const RoleFlags& flags) {
  Place place;
  place.alone = !flags.profile.empty();
  place.data_dir = flags.data;
  auto loaded = place.alone ? load_profile_by_name(flags.profile) : load_profile_of(place.data_dir);
  if (!loaded) return loaded.error();
  if (auto set = config::set_keys(*loaded, flags.set); !set) return set.error();
  place.profile = std::move(loaded->profile);
  if (!place.alone) return place;
  if (!loaded->origins.contains("autoscaler.tick_s")) place.profile.autoscaler_tick_s = kTickAlone;
  auto data_dir = make_data_dir(flags.data);
  if (!data_dir) return data_dir.error();
  place.data_dir = std::move(*data_dir);
  return place;
}

Result<Place> settle_place_with_cap(const RoleFlags& flags) {
  auto place = settle_place(flags);
  if (!place || !place->alone || place->profile.fleet_workers_max > 0) return place;
  return Error{
      Code::kInvalidInput,
      "fleet.workers_max is 0, one worker a core of this machine, which says nothing of a fleet elsewhere; say "
      "how many instances there may be, as in --set fleet.workers_max=20",
      "no_cap"};
}

}  // namespace facefleet::apps
