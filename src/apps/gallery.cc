// facefleet gallery: who is enrolled, and forgetting them.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

#include "apps/command.h"
#include "apps/target.h"
#include "tools/gallery_access.h"

namespace facefleet::apps {
namespace {

struct Flags {
  TargetFlags target;
  std::string gallery, person, out;
};

using Action = Task<int> (*)(tools::GalleryAccess& access, const Flags& flags);

Task<int> list(tools::GalleryAccess& access, const Flags&) {
  const auto galleries = co_await access.list();
  if (!galleries) co_return fail(galleries.error());
  std::cout << tools::to_text(*galleries) << std::flush;
  co_return 0;
}

Task<int> show(tools::GalleryAccess& access, const Flags& flags) {
  const auto persons = co_await access.persons(flags.gallery);
  if (!persons) co_return fail(persons.error());
  std::cout << tools::to_text(*persons) << std::flush;
  co_return 0;
}

Task<int> remove(tools::GalleryAccess& access, const Flags& flags) {
  Result<void> removed;
  if (flags.person.empty()) {
    removed = co_await access.remove_gallery(flags.gallery);
  } else {
    removed = co_await access.remove_person(flags.gallery, flags.person);
  }
  if (!removed) co_return fail(removed.error());
  std::cout << "deleted " << (flags.person.empty() ? "gallery " + flags.gallery : flags.person) << std::endl;
  if (!flags.target.data.empty())
    std::cout << "outcomes of earlier photos that name who was deleted stay until their retention ends; deleting "
                 "through the running system (--url) erases them too"
              << std::endl;
  co_return 0;
}

Task<int> export_all(tools::GalleryAccess& access, const Flags& flags) {
  std::ofstream file;
  if (!flags.out.empty()) {
    file.open(flags.out, std::ios::trunc);
    if (!file) co_return refuse({Code::kInvalidInput, "cannot write " + flags.out, ""});
  }
  std::ostream& out = flags.out.empty() ? std::cout : file;
  std::function<Result<void>(std::string_view)> write = [&](std::string_view lines) -> Result<void> {
    if (out << lines << std::flush) return {};
    return Error{Code::kInternal, "the export could not be written to its end", ""};
  };
  const auto exported = co_await tools::export_gallery(access, flags.gallery, flags.person, std::move(write));
  if (!exported) co_return fail(exported.error());
  co_return 0;
}

Task<int> on_running(const Flags& flags, Action action) {
  auto client = co_await open_running(flags.target);
  if (!client) co_return fail(client.error());
  const auto access = tools::open_remote_galleries(**client);
  co_return co_await action(*access, flags);
}

int run(const Flags& flags, Action action) {
  Role role("gallery");
  if (flags.target.data.empty()) return run_command(role, on_running(flags, action));
  const auto system = open_stopped(role, flags.target.data);
  if (!system) return fail(system.error());
  const auto access = tools::open_local_galleries(*system->galleries);
  return run_command(role, action(*access, flags));
}

}  // namespace

Command add_gallery(CLI::App& root) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* app = root.add_subcommand("gallery", "List, show, delete and export galleries and persons");
  app->require_subcommand(1);
  const auto add = [&](const char* name, const char* help) {
    CLI::App* verb = app->add_subcommand(name, help);
    add_target_flags(*verb, flags->target);
    return verb;
  };
  CLI::App* list_verb = add("list", "the galleries");
  CLI::App* show_verb = add("show", "the persons of a gallery");
  CLI::App* delete_verb = add("delete", "a gallery or one of its persons, every byte of it");
  CLI::App* export_verb = add("export", "templates, face chips and file names, as lines of JSON");
  for (CLI::App* verb : {show_verb, delete_verb, export_verb})
    verb->add_option("GALLERY", flags->gallery, "which gallery")->required();
  for (CLI::App* verb : {delete_verb, export_verb}) verb->add_option("PERSON", flags->person, "only this person");
  export_verb->add_option("--out", flags->out, "write to this file");
  return {app, [flags, list_verb, show_verb, delete_verb] {
            return run(*flags, list_verb->parsed()     ? list
                               : show_verb->parsed()   ? show
                               : delete_verb->parsed() ? remove
                                                       : export_all);
          }};
}

}  // namespace facefleet::apps
