// facefleet config: every key of a profile, what it is set to, and why.
#include <cstdio>

#include "apps/command.h"
#include "apps/place.h"
#include "apps/role.h"

namespace facefleet::apps {

Command add_config(CLI::App& root) {
  struct Flags {
    std::string profile = "default";
    bool explain = false;
    std::vector<std::string> set;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* app = root.add_subcommand("config", "show a profile: what each key is set to");
  app->add_option("--profile", flags->profile, "a name, or a .toml file")->capture_default_str();
  app->add_option("--set", flags->set, "any key, as key=value; may be given several times")->allow_extra_args(false);
  app->add_flag("--explain", flags->explain, "with type, range, origin and purpose of each key");
  return {app, [flags] {
            auto loaded = load_profile_by_name(flags->profile);
            if (!loaded) return refuse(loaded.error());
            if (auto set = config::set_keys(*loaded, flags->set); !set) return refuse(set.error());
            std::fputs((flags->explain ? config::explain(*loaded) : config::to_toml(loaded->profile)).c_str(), stdout);
            return 0;
          }};
}

}  // namespace facefleet::apps
