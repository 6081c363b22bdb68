#include "tools/photo_source.h"

#include <zip.h>

#include <algorithm>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "tools/labels.h"

namespace facefleet::tools {
namespace fs = std::filesystem;
namespace {

Error unreadable(const std::string& path, const std::string& why) {
  return {Code::kInvalidInput, path + " cannot be read: " + why, "unreadable"};
}

Error too_large(const std::string& path) {
  return {Code::kInvalidInput, path + " is larger than " + std::to_string(kPhotoFileBytes >> 20) + " MiB",
          "photo_too_large"};
}

// `.DS_Store`, `Ann/.thumbs/1.jpg`, `__MACOSX/Ann/._1.jpg`.
bool is_hidden(std::string_view path) {
  return path.starts_with('.') || path.find("/.") != std::string_view::npos || path.starts_with("__MACOSX/");
}

// The name of the folder that `path` lies in; empty at the top.
std::string folder_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? "" : std::string(base_name(path.substr(0, slash)));
}

class Folder final : public PhotoSource {
 public:
  explicit Folder(fs::path root) : root_(std::move(root)) {}

  Result<void> list() {
    std::error_code failure;
    fs::recursive_directory_iterator entry(root_, fs::directory_options::follow_directory_symlink, failure);
    for (; !failure && entry != fs::recursive_directory_iterator(); entry.increment(failure)) {
      const std::string path = entry->path().lexically_relative(root_).generic_string();
      std::error_code ignored;
      if (!is_hidden(path) && entry->is_regular_file(ignored)) entries_.push_back({path, folder_of(path)});
    }
    if (failure) return unreadable(root_.string(), failure.message());
    std::ranges::sort(entries_, {}, &PhotoEntry::path);
    return {};
  }

  void leave_out(const fs::path& file) {
    std::erase_if(entries_, [&](const PhotoEntry& entry) {
      std::error_code ignored;
      return fs::equivalent(root_ / entry.path, file, ignored);
    });
  }

  Result<Bytes> read(std::size_t index) override {
    const fs::path file = root_ / entries_[index].path;
    std::error_code failure;
    const std::uintmax_t size = fs::file_size(file, failure);
    if (failure) return unreadable(file.string(), failure.message());
    if (size > kPhotoFileBytes) return too_large(file.string());
    return read_file(file);
  }

 private:
  fs::path root_;
};

class ZipFile final : public PhotoSource {
 public:
  explicit ZipFile(fs::path file) : file_(std::move(file)) {}

  Result<void> list() {
    int failure = 0;
    archive_.reset(zip_open(file_.c_str(), ZIP_RDONLY, &failure));
    if (!archive_)
      return Error{Code::kInvalidInput, file_.string() + " is neither a folder nor a ZIP file", "not_a_zip"};
    std::vector<std::pair<std::string, zip_uint64_t>> names;
    const auto count = static_cast<zip_uint64_t>(zip_get_num_entries(archive_.get(), 0));
    for (zip_uint64_t i = 0; i < count; ++i) {
      const char* name = zip_get_name(archive_.get(), i, 0);
      const std::string_view path = name == nullptr ? "" : name;
      if (!path.empty() && !path.ends_with('/') && !is_hidden(path)) names.emplace_back(path, i);
    }
    std::ranges::sort(names);
    for (auto& [path, place] : names) {
      places_.push_back(place);
      std::string folder = folder_of(path);
      entries_.push_back({std::move(path), std::move(folder)});
    }
    return {};
  }

  Result<Bytes> read(std::size_t index) override {
    const std::string& path = entries_[index].path;
    zip_stat_t stat;
    if (zip_stat_index(archive_.get(), places_[index], 0, &stat) != 0) return unreadable(path, reason());
    if (stat.size > kPhotoFileBytes) return too_large(path);
    const std::unique_ptr<zip_file_t, Close> file(zip_fopen_index(archive_.get(), places_[index], 0));
    if (!file) return unreadable(path, reason());
    Bytes bytes(stat.size, '\0');
    const zip_int64_t got = zip_fread(file.get(), bytes.data(), bytes.size());
    if (got != static_cast<zip_int64_t>(bytes.size())) return unreadable(path, "it does not unpack");
    return bytes;
  }

 private:
  struct Close {
    void operator()(zip_t* archive) const { zip_discard(archive); }
    void operator()(zip_file_t* file) const { zip_fclose(file); }
  };

  std::string reason() const { return zip_strerror(archive_.get()); }

  fs::path file_;
  std::unique_ptr<zip_t, Close> archive_;
  std::vector<zip_uint64_t> places_;  // in the archive, of each entry
};

}  // namespace

Result<std::unique_ptr<PhotoSource>> PhotoSource::open(const fs::path& path,
                                                       const std::optional<fs::path>& labels_file) {
  std::error_code failure;
  const fs::file_status status = fs::status(path, failure);
  if (!fs::exists(status)) return Error{Code::kNotFound, "there is no " + path.string(), "no_such_file"};
  std::optional<Labels> labels;
  if (labels_file) {
    auto read = Labels::read(*labels_file);
    if (!read) return read.error();
    labels = std::move(*read);
  }
  std::unique_ptr<PhotoSource> source;
  if (fs::is_directory(status)) {
    auto folder = std::make_unique<Folder>(path);
    if (auto listed = folder->list(); !listed) return listed.error();
    if (labels) folder->leave_out(*labels_file);
    source = std::move(folder);
  } else {
    auto archive = std::make_unique<ZipFile>(path);
    if (auto listed = archive->list(); !listed) return listed.error();
    source = std::move(archive);
  }
  if (labels)
    for (PhotoEntry& entry : source->entries_) entry.label = labels->of(entry.path).value_or("");
  return source;
}

}  // namespace facefleet::tools
