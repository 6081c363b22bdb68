#include "load/photos.h"

#include <zip.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/file.h"

namespace facefleet::load {
namespace {

namespace fs = std::filesystem;

bool is_photo(const fs::path& path) {
  std::string suffix = path.extension().string();
  std::transform(suffix.begin(), suffix.end(), suffix.begin(), [](unsigned char c) { return std::tolower(c); });
  // macOS leaves `._photo.jpg` beside each photo in the ZIP files that it makes.
  const bool hidden = path.filename().string().starts_with('.');
  return !hidden && (suffix == ".jpg" || suffix == ".jpeg" || suffix == ".png" || suffix == ".webp");
}

Result<std::vector<Photo>> read_folder(const fs::path& folder, std::size_t count_max) {
  std::vector<fs::path> paths;
  std::error_code failure;
  fs::recursive_directory_iterator entry(folder, fs::directory_options::follow_directory_symlink, failure);
  while (!failure && entry != fs::recursive_directory_iterator()) {
    if (is_photo(entry->path()) && entry->is_regular_file(failure)) paths.push_back(entry->path());
    entry.increment(failure);
  }
  if (failure) return Error{Code::kInvalidInput, folder.string() + ": " + failure.message() + ".", "unreadable"};
  std::sort(paths.begin(), paths.end());
  if (paths.size() > count_max) paths.resize(count_max);

  std::vector<Photo> photos;
  for (const fs::path& path : paths) {
    auto bytes = read_file(path);
    if (!bytes) return bytes.error();
    photos.push_back({path.filename().string(), std::move(*bytes)});
  }
  return photos;
}

struct CloseArchive {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
struct CloseEntry {
  void operator()(zip_file_t* entry) const { zip_fclose(entry); }
};

Result<std::vector<Photo>> read_zip(const fs::path& file, std::size_t count_max) {
  int code = 0;
  const std::unique_ptr<zip_t, CloseArchive> archive(zip_open(file.c_str(), ZIP_RDONLY, &code));
  if (!archive) {
    return Error{Code::kInvalidInput, file.string() + " is neither a folder nor a ZIP file of photos.", "not_a_zip"};
  }
  std::vector<std::pair<std::string, zip_uint64_t>> entries;
  const auto count = static_cast<zip_uint64_t>(zip_get_num_entries(archive.get(), 0));
  for (zip_uint64_t index = 0; index < count; ++index) {
    const char* name = zip_get_name(archive.get(), index, 0);
    if (name != nullptr && is_photo(name)) entries.emplace_back(name, index);
  }
  std::sort(entries.begin(), entries.end());
  if (entries.size() > count_max) entries.resize(count_max);

  std::vector<Photo> photos;
  for (const auto& [name, index] : entries) {
    zip_stat_t size;
    const std::unique_ptr<zip_file_t, CloseEntry> entry(zip_fopen_index(archive.get(), index, 0));
    bool whole = entry != nullptr && zip_stat_index(archive.get(), index, 0, &size) == 0;
    Bytes bytes(whole ? size.size : 0, '\0');
    whole = whole && zip_fread(entry.get(), bytes.data(), bytes.size()) == static_cast<zip_int64_t>(bytes.size());
    if (!whole) {
      return Error{Code::kInvalidInput, file.string() + ": " + name + " cannot be unpacked.", "unreadable"};
    }
    photos.push_back({fs::path(name).filename().string(), std::move(bytes)});
  }
  return photos;
}

}  // namespace

Result<std::vector<Photo>> read_photos(const fs::path& source, std::size_t count_max) {
  std::error_code ignored;
  auto photos = fs::is_directory(source, ignored) ? read_folder(source, count_max) : read_zip(source, count_max);
  if (photos && photos->empty()) {
    return Error{Code::kInvalidInput, source.string() + " holds no photo (.jpg, .jpeg, .png, .webp).", "no_photos"};
  }
  return photos;
}

}  // namespace facefleet::load
