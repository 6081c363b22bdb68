// facefleet key: make, list and remove the API keys of a system.
#include <algorithm>
#include <cstdio>

#include "apps/command.h"
#include "apps/keys.h"
#include "apps/place.h"
#include "apps/role.h"
#include "base/hash.h"
#include "base/ids.h"

namespace facefleet::apps {
namespace {

constexpr std::array<std::string_view, 3> kScopes = {"read", "recognise", "manage"};
constexpr int kKeyHexDigits = 48;  // 192 random bits: beyond guessing, so a fast hash is enough at rest

struct Flags {
  std::string data = default_data_dir();
  std::string name;
  std::vector<std::string> scopes = {"read", "recognise"};
};

int add_one(const Flags& flags) {
  auto keys = load_keys(flags.data);
  if (!keys) return refuse(keys.error());
  if (std::ranges::find(*keys, flags.name, &gateway::ApiKey::name) != keys->end())
    return refuse(
        {Code::kConflict, "there is a key `" + flags.name + "` already; remove it first, or choose another name", ""});
  SystemRandom random;
  const std::string secret = "ff_" + random_hex(random, kKeyHexDigits);
  keys->push_back({flags.name, hex(sha256(secret)), flags.scopes});
  std::error_code failed;
  std::filesystem::create_directories(flags.data, failed);
  if (auto saved = save_keys(flags.data, *keys); !saved) return refuse(saved.error());
  std::fprintf(stderr, "key `%s`, shown this once; a running gateway takes it within a second\n", flags.name.c_str());
  std::printf("%s\n", secret.c_str());
  return 0;
}

int list_all(const Flags& flags) {
  const auto keys = load_keys(flags.data);
  if (!keys) return refuse(keys.error());
  for (const auto& key : *keys) {
    std::string scopes;
    for (const auto& scope : key.scopes) scopes += (scopes.empty() ? "" : ",") + scope;
    std::printf("%-24s %s\n", key.name.c_str(), scopes.c_str());
  }
  return 0;
}

int remove_one(const Flags& flags) {
  auto keys = load_keys(flags.data);
  if (!keys) return refuse(keys.error());
  if (std::erase_if(*keys, [&](const auto& key) { return key.name == flags.name; }) == 0)
    return refuse({Code::kNotFound, "there is no key `" + flags.name + "` in " + flags.data, ""});
  if (auto saved = save_keys(flags.data, *keys); !saved) return refuse(saved.error());
  return 0;
}

}  // namespace

Command add_key(CLI::App& root) {
  auto flags = std::make_shared<Flags>();
  CLI::App* app =
      root.add_subcommand("key", "make, list and remove API keys; with a key, the service may listen beyond loopback");
  app->require_subcommand(1);
  app->add_option("--data", flags->data, "the system's data folder")->capture_default_str();
  CLI::App* add = app->add_subcommand("add", "make a key and print it, once");
  add->add_option("NAME", flags->name, "who it is for")->required();
  add->add_option("--scopes", flags->scopes, "read, recognise, manage")
      ->delimiter(',')
      ->check(CLI::IsMember(std::vector<std::string>(kScopes.begin(), kScopes.end())))
      ->capture_default_str();
  app->add_subcommand("list", "names and scopes");
  CLI::App* remove = app->add_subcommand("remove", "remove a key");
  remove->add_option("NAME", flags->name, "the key's name")->required();
  return {app, [=] {
            return add->parsed() ? add_one(*flags) : remove->parsed() ? remove_one(*flags) : list_all(*flags);
          }};
}

}  // namespace facefleet::apps
