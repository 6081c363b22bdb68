#include "tools/gallery_access.h"

#include <algorithm>
#include <iomanip>
#include <sstream>
#include <utility>

#include "base/hash.h"

namespace facefleet::tools {
namespace {

namespace json = boost::json;

class RemoteGalleries final : public GalleryAccess {
 public:
  explicit RemoteGalleries(ApiClient& client) : client_(client) {}

  Task<Result<std::vector<GallerySummary>>> list() override {
    auto answer = co_await client_.call("GET", "/v1/galleries");
    if (!answer) co_return answer.error();
    co_return read_list(*answer);
  }

  Task<Result<std::vector<gallery::PersonInfo>>> persons(std::string gallery) override {
    auto answer = co_await client_.call("GET", gallery_target(gallery) + "/persons");
    if (!answer) co_return answer.error();
    const auto version = number_member(*answer, "version");
    if (!version) co_return version.error();
    if (*version == 0) co_return Error{Code::kNotFound, "there is no gallery \"" + gallery + "\"", "no_such_gallery"};
    co_return read_persons(*answer);
  }

  Task<Result<void>> remove_person(std::string gallery, std::string person) override {
    auto answer = co_await client_.call("DELETE", person_target(gallery, person));
    if (!answer) co_return answer.error();
    co_return Result<void>{};
  }

  Task<Result<void>> remove_gallery(std::string gallery) override {
    auto answer = co_await client_.call("DELETE", gallery_target(gallery));
    if (!answer) co_return answer.error();
    co_return Result<void>{};
  }

  Task<Result<std::string>> export_person(std::string gallery, std::string person) override {
    auto answer = co_await client_.call("GET", person_target(gallery, person) + "/export");
    if (!answer) co_return answer.error();
    co_return read_export(*answer, gallery, person);
  }

 private:
  static Result<std::vector<GallerySummary>> read_list(const json::object& answer) {
    const auto rows = array_member(answer, "galleries");
    if (!rows) return rows.error();
    std::vector<GallerySummary> galleries;
    for (const json::value& row : *rows) {
      const json::object object = row.is_object() ? row.get_object() : json::object();
      const auto name = text_member(object, "gallery"), model = text_member(object, "model");
      const auto version = number_member(object, "version"), persons = number_member(object, "persons"),
                 templates = number_member(object, "templates");
      for (const auto* text : {&name, &model})
        if (!*text) return text->error();
      for (const auto* number : {&version, &persons, &templates})
        if (!*number) return number->error();
      galleries.push_back({*name, *model, static_cast<std::int64_t>(*version), static_cast<std::uint64_t>(*persons),
                           static_cast<std::uint64_t>(*templates)});
    }
    return galleries;
  }

  static Result<std::vector<gallery::PersonInfo>> read_persons(const json::object& answer) {
    const auto rows = array_member(answer, "persons");
    if (!rows) return rows.error();
    std::vector<gallery::PersonInfo> persons;
    for (const json::value& row : *rows) {
      const json::object object = row.is_object() ? row.get_object() : json::object();
      const auto person = text_member(object, "person");
      const auto templates = number_member(object, "templates");
      if (!person) return person.error();
      if (!templates) return templates.error();
      persons.push_back({*person, static_cast<std::uint32_t>(*templates)});
    }
    return persons;
  }

  static Result<std::string> read_export(const json::object& answer, const std::string& gallery,
                                         const std::string& person) {
    const auto model = text_member(answer, "model");
    const auto rows = array_member(answer, "templates");
    if (!model) return model.error();
    if (!rows) return rows.error();
    std::string lines;
    for (const json::value& row : *rows) {
      json::object line = {{"gallery", gallery}, {"person", person}, {"model", *model}};
      if (row.is_object())
        for (const auto& member : row.get_object()) line[member.key()] = member.value();
      lines += json::serialize(line) + "\n";
    }
    return lines;
  }

  ApiClient& client_;
};

class LocalGalleries final : public GalleryAccess {
 public:
  explicit LocalGalleries(gallery::Galleries& galleries) : galleries_(galleries) {}

  Task<Result<std::vector<GallerySummary>>> list() override {
    auto names = co_await galleries_.list();
    if (!names) co_return names.error();
    std::vector<GallerySummary> out;
    for (const std::string& name : *names) {
      auto snapshot = co_await galleries_.snapshot(name, kFresh);
      if (!snapshot) co_return snapshot.error();
      out.push_back(
          {name, (*snapshot)->model(), (*snapshot)->version(), (*snapshot)->persons().size(), (*snapshot)->size()});
    }
    co_return out;
  }

  Task<Result<std::vector<gallery::PersonInfo>>> persons(std::string gallery) override {
    auto snapshot = co_await galleries_.snapshot(gallery, kFresh);
    if (!snapshot) co_return snapshot.error();
    if ((*snapshot)->version() == 0)
      co_return Error{Code::kNotFound, "there is no gallery \"" + gallery + "\"", "no_such_gallery"};
    co_return (*snapshot)->persons();
  }

  Task<Result<void>> remove_person(std::string gallery, std::string person) override {
    auto removed = co_await galleries_.remove_person(gallery, person);
    if (!removed) co_return removed.error();
    co_return Result<void>{};
  }

  Task<Result<void>> remove_gallery(std::string gallery) override {
    co_return co_await galleries_.remove_gallery(gallery);
  }

  Task<Result<std::string>> export_person(std::string gallery, std::string person) override {
    auto snapshot = co_await galleries_.snapshot(gallery, kFresh);
    if (!snapshot) co_return snapshot.error();
    auto templates = co_await galleries_.templates(gallery, person);
    if (!templates) co_return templates.error();
    std::string lines;
    for (const gallery::Template& row : *templates) {
      const BytesView floats(reinterpret_cast<const char*>(row.embedding.data()), row.embedding.size() * sizeof(float));
      const json::object line = {{"gallery", gallery},
                                 {"person", person},
                                 {"model", (*snapshot)->model()},
                                 {"source", row.source},
                                 {"photo_sha256", row.photo_sha256},
                                 {"embedding_f32_base64", base64(floats)},
                                 {"chip_png_base64", base64(row.chip_png)}};
      lines += json::serialize(line) + "\n";
    }
    co_return lines;
  }

 private:
  static constexpr Millis kFresh{0};

  gallery::Galleries& galleries_;
};

}  // namespace

std::unique_ptr<GalleryAccess> open_remote_galleries(ApiClient& client) {
  return std::make_unique<RemoteGalleries>(client);
}

std::unique_ptr<GalleryAccess> open_local_galleries(gallery::Galleries& galleries) {
  return std::make_unique<LocalGalleries>(galleries);
}

Task<Result<void>> export_gallery(GalleryAccess& access, std::string gallery, std::string person,
                                  std::function<Result<void>(std::string_view lines)> write) {
  std::vector<gallery::PersonInfo> persons = {{person, 0}};
  if (person.empty()) {
    auto all = co_await access.persons(gallery);
    if (!all) co_return all.error();
    persons = std::move(*all);
  }
  for (const gallery::PersonInfo& info : persons) {
    auto lines = co_await access.export_person(gallery, info.person);
    if (!lines) co_return lines.error();
    auto written = write(*lines);
    if (!written) co_return written;
  }
  co_return Result<void>{};
}

std::string to_text(const std::vector<GallerySummary>& galleries) {
  std::ostringstream out;
  out << std::left << std::setw(24) << "gallery" << std::right << std::setw(9) << "persons" << std::setw(11)
      << "templates" << std::setw(9) << "version"
      << "  model\n";
  for (const GallerySummary& row : galleries)
    out << std::left << std::setw(24) << row.name << std::right << std::setw(9) << row.persons << std::setw(11)
        << row.templates << std::setw(9) << row.version << "  " << row.model << '\n';
  return out.str();
}

std::string to_text(const std::vector<gallery::PersonInfo>& persons) {
  std::ostringstream out;
  out << std::right << std::setw(9) << "templates"
      << "  person\n";
  for (const gallery::PersonInfo& row : persons) out << std::setw(9) << row.templates << "  " << row.person << '\n';
  return out.str();
}

}  // namespace facefleet::tools
