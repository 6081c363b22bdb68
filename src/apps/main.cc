// The one binary. Each subcommand is a file beside this one; this is the table of them.
#include <cstdio>

#include "apps/command.h"

namespace {

using facefleet::apps::Command;

// In the order in which `--help` shows them: what people start with comes first.
std::vector<Command> add_all(CLI::App& root) {
  using namespace facefleet::apps;
  return {add_up(root),        add_status(root),     add_env(root),       add_enrol(root), add_gallery(root),
          add_recognise(root), add_classify(root),   add_load(root),      add_sim(root),   add_eval(root),
          add_bench(root),     add_models(root),     add_config(root),    add_key(root),   add_gateway(root),
          add_worker(root),    add_autoscaler(root), add_localcloud(root)};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App root(
      "facefleet: photos in over HTTP, names out; a queue and a fleet of workers that grows and shrinks with it.",
      "facefleet");
  root.set_version_flag("--version", "facefleet " FACEFLEET_VERSION);
  root.require_subcommand(1);
  const auto commands = add_all(root);
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return root.exit(error);
  }
  for (const Command& command : commands)
    if (command.app->parsed()) return command.run();
  return 0;
}
