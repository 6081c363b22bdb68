// How a subcommand joins the binary: one file each, one row in main.cc.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace facefleet::apps {

// Declares the subcommand's flags on `root` and returns it with what to run once they are parsed.
// `run` returns the process's exit status; it prints results to stdout, and errors and progress to stderr.
struct Command {
  CLI::App* app = nullptr;
  std::function<int()> run;
};

Command add_enrol(CLI::App& root);
Command add_gallery(CLI::App& root);
Command add_eval(CLI::App& root);
Command add_recognise(CLI::App& root);
Command add_classify(CLI::App& root);
Command add_models(CLI::App& root);
Command add_bench(CLI::App& root);
Command add_up(CLI::App& root);
Command add_gateway(CLI::App& root);
Command add_worker(CLI::App& root);
Command add_autoscaler(CLI::App& root);
Command add_config(CLI::App& root);
Command add_env(CLI::App& root);
Command add_status(CLI::App& root);
Command add_key(CLI::App& root);
Command add_load(CLI::App& root);
Command add_sim(CLI::App& root);
Command add_localcloud(CLI::App& root);

}  // namespace facefleet::apps
