#include "config/model_card.h"

#include <algorithm>

#define TOML_HEADER_ONLY 0
#include <toml++/toml.h>

namespace facefleet::config {
namespace {

Result<ModelCard> read_card(const std::filesystem::path& file) {
  try {
    const toml::table table = toml::parse_file(file.string());
    ModelCard card;
    const std::vector<std::pair<std::string_view, std::string*>> texts = {
        {"name", &card.name}, {"role", &card.role},     {"family", &card.family},   {"version", &card.version},
        {"file", &card.file}, {"sha256", &card.sha256}, {"licence", &card.licence}, {"note", &card.note}};
    for (const auto& [key, slot] : texts) {
      const auto value = table[key].value<std::string>();
      if (!value)
        return Error{Code::kInvalidInput, file.string() + ": the text `" + std::string(key) + "` is missing",
                     "bad_card"};
      *slot = *value;
    }
    card.dimensions = static_cast<std::uint32_t>(table["dimensions"].value_or<std::int64_t>(0));
    card.threshold = table["threshold"].value_or(0.0);
    card.classes_file = table["classes"]["file"].value_or<std::string>("");
    card.classes_sha256 = table["classes"]["sha256"].value_or<std::string>("");
    if (card.role == "classifier" && (card.dimensions == 0 || card.classes_file.empty() || card.classes_sha256.empty()))
      return Error{Code::kInvalidInput,
                   file.string() + ": a classifier needs `dimensions`, and `file` and `sha256` of its [classes]",
                   "bad_card"};
    const auto first = table["source"][0];
    card.source = first["registry"].value_or<std::string>("") + " " + first["package"].value_or<std::string>("") + " " +
                  first["version"].value_or<std::string>("");
    if (card.role == "embedder" && (card.dimensions == 0 || card.threshold <= 0))
      return Error{Code::kInvalidInput, file.string() + ": an embedder needs `dimensions` and `threshold`", "bad_card"};
    return card;
  } catch (const toml::parse_error& error) {
    return Error{Code::kInvalidInput, file.string() + ": " + std::string(error.description()), "bad_card"};
  }
}

}  // namespace

Result<std::vector<ModelCard>> load_model_cards(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failed))
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  if (failed || files.empty())
    return Error{Code::kNotFound,
                 "there are no model cards in " + folder.string() +
                     "; set FACEFLEET_SHARE to the folder that holds models/ and profiles/",
                 ""};
  std::ranges::sort(files);
  std::vector<ModelCard> cards;
  for (const auto& file : files) {
    auto card = read_card(file);
    if (!card) return card.error();
    cards.push_back(std::move(*card));
  }
  return cards;
}

Result<ModelCard> find_model_card(const std::vector<ModelCard>& cards, const std::string& name) {
  std::string names;
  for (const auto& card : cards) {
    if (card.name == name) return card;
    names += (names.empty() ? "" : ", ") + card.name;
  }
  return Error{Code::kNotFound, "there is no model `" + name + "`; there are " + names, "no_such_model"};
}

}  // namespace facefleet::config
