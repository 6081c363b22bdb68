// facefleet models: the model cards, and where their files are.
#include <cstdio>

#include "apps/command.h"
#include "apps/place.h"
#include "apps/role.h"
#include "config/model_card.h"

namespace facefleet::apps {
namespace {

int list_models() {
  const auto cards = config::load_model_cards(share_dir() / "models");
  if (!cards) return refuse(cards.error());
  for (const auto& card : *cards) {
    std::printf("%-12s %-10s %-12s %-12s %s\n", card.name.c_str(), card.role.c_str(), card.version.c_str(),
                card.licence.c_str(), card.source.c_str());
    std::printf("%-12s %s\n", "", card.note.c_str());
  }
  return 0;
}

int print_path(const std::string& name) {
  const auto cards = config::load_model_cards(share_dir() / "models");
  if (!cards) return refuse(cards.error());
  const auto card = config::find_model_card(*cards, name);
  if (!card) return refuse(card.error());
  std::printf("%s\n", (model_files_dir() / card->file).c_str());
  return 0;
}

}  // namespace

Command add_models(CLI::App& root) {
  auto name = std::make_shared<std::string>();
  CLI::App* app = root.add_subcommand(
      "models", "list the models, their licences and sources; models path NAME prints a file's place");
  app->require_subcommand(0, 1);
  app->add_subcommand("list", "name, role, version, licence, source (what `models` alone prints)");
  CLI::App* path = app->add_subcommand("path", "print where a model's file is");
  path->add_option("NAME", *name, "a model card's name: yunet, sface, mobilenet_v2")->required();
  return {app, [name, path] { return path->parsed() ? print_path(*name) : list_models(); }};
}

}  // namespace facefleet::apps
