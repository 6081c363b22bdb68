#include "load/photos.h"

#include <gmock/gmock.h>
#include <unistd.h>
#include <zip.h>

#include <fstream>

namespace facefleet::load {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::Field;

class PhotosTest : public ::testing::Test {
 protected:
  PhotosTest() { fs::create_directories(folder_); }
  ~PhotosTest() override { fs::remove_all(folder_); }

  void write(const std::string& path, const std::string& bytes) {
    fs::create_directories((folder_ / path).parent_path());
    std::ofstream(folder_ / path) << bytes;
  }

  fs::path write_zip(const std::vector<std::pair<std::string, std::string>>& entries) {
    fs::path file = folder_ / "photos.zip";
    zip_t* archive = zip_open(file.c_str(), ZIP_CREATE, nullptr);
    for (const auto& [name, bytes] : entries) {
      zip_source_t* source = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
      zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8);
    }
    zip_close(archive);
    return file;
  }

  const fs::path folder_ = fs::path(::testing::TempDir()) / ("facefleet_photos_test_" + std::to_string(getpid()));
};

auto photo(const std::string& name, const std::string& bytes) {
  return ::testing::AllOf(Field(&Photo::name, name), Field(&Photo::bytes, bytes));
}

TEST_F(PhotosTest, FolderInOrderOfPathsWithSubfolders) {
  write("b/1.jpg", "B1");
  write("a/2.JPEG", "A2");
  write("a/1.png", "A1");
  write("a/notes.txt", "not a photo");
  write("a/._1.png", "nor is this");
  EXPECT_THAT(read_photos(folder_, 10).value(),
              ElementsAre(photo("1.png", "A1"), photo("2.JPEG", "A2"), photo("1.jpg", "B1")));
  EXPECT_THAT(read_photos(folder_, 1).value(), ElementsAre(photo("1.png", "A1")));
}

TEST_F(PhotosTest, ZipInOrderOfNames) {
  const fs::path file = write_zip({{"in/b.jpg", "BB"}, {"in/a.jpg", "A"}, {"__MACOSX/in/._a.jpg", "x"}, {"r.txt", ""}});
  EXPECT_THAT(read_photos(file, 10).value(), ElementsAre(photo("a.jpg", "A"), photo("b.jpg", "BB")));
}

TEST_F(PhotosTest, RefusesWhatHoldsNoPhotos) {
  EXPECT_EQ(read_photos(folder_, 10).error().reason, "no_photos");
  EXPECT_EQ(read_photos(write_zip({{"r.txt", "text"}}), 10).error().reason, "no_photos");
  write("torn.zip", "PK no more");
  EXPECT_EQ(read_photos(folder_ / "torn.zip", 10).error().reason, "not_a_zip");
  EXPECT_EQ(read_photos(folder_ / "absent", 10).error().reason, "not_a_zip");
}

}  // namespace
}  // namespace facefleet::load
