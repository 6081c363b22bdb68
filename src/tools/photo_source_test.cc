#include "tools/photo_source.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <zip.h>

#include <map>

#include "base/file.h"

namespace facefleet::tools {
namespace {

namespace fs = std::filesystem;

class PhotoSourceTest : public testing::Test {
 protected:
  PhotoSourceTest() : folder_(fs::path(testing::TempDir()) / ("photos-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  ~PhotoSourceTest() override { fs::remove_all(folder_); }

  void write(const fs::path& path, BytesView bytes) {
    fs::create_directories((folder_ / path).parent_path());
    ASSERT_TRUE(write_file_atomic(folder_ / path, bytes));
  }

  fs::path write_zip(const std::map<std::string, std::string>& files) {
    const fs::path path = folder_ / "photos.zip";
    int failure = 0;
    zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &failure);
    for (const auto& [name, bytes] : files)
      zip_file_add(archive, name.c_str(), zip_source_buffer(archive, bytes.data(), bytes.size(), 0), ZIP_FL_ENC_UTF_8);
    EXPECT_EQ(zip_close(archive), 0);
    return path;
  }

  fs::path folder_;
};

// path=label of each entry
std::vector<std::string> listed(const PhotoSource& source) {
  std::vector<std::string> out;
  for (const PhotoEntry& entry : source.entries()) out.push_back(entry.path + "=" + entry.label);
  return out;
}

TEST_F(PhotoSourceTest, AFolderAPerson) {
  write("Bob/2.jpg", "two");
  write("Ann/1.jpg", "one");
  write("team/Eve/3.png", "three");
  write("loose.jpg", "nobody's");
  write(".DS_Store", "x");
  write("Ann/.thumbs/1.jpg", "x");
  const auto source = PhotoSource::open(folder_, std::nullopt).value();
  EXPECT_EQ(listed(*source),
            (std::vector<std::string>{"Ann/1.jpg=Ann", "Bob/2.jpg=Bob", "loose.jpg=", "team/Eve/3.png=Eve"}));
  EXPECT_EQ(source->read(1).value(), "two");
}

TEST_F(PhotoSourceTest, AFolderWithLabels) {
  write("x/test_000.jpg", "zero");
  write("test_001.jpg", "one");
  write("labels.csv", "Image,Results\ntest_000,Paul\n");
  const auto source = PhotoSource::open(folder_, folder_ / "labels.csv").value();
  EXPECT_EQ(listed(*source), (std::vector<std::string>{"test_001.jpg=", "x/test_000.jpg=Paul"}));
}

TEST_F(PhotoSourceTest, AZipFile) {
  const fs::path path = write_zip(
      {{"top/Zoë/1.jpg", "one"}, {"top/Ann/2.jpg", ""}, {"__MACOSX/top/Ann/._2.jpg", "shadow"}, {"top/.hidden", "x"}});
  const auto source = PhotoSource::open(path, std::nullopt).value();
  EXPECT_EQ(listed(*source), (std::vector<std::string>{"top/Ann/2.jpg=Ann", "top/Zoë/1.jpg=Zoë"}));
  EXPECT_EQ(source->read(0).value(), "");
  EXPECT_EQ(source->read(1).value(), "one");
}

TEST_F(PhotoSourceTest, AZipFileWithLabels) {
  const fs::path path = write_zip({{"faces/test_000.jpg", "zero"}});
  write("labels.csv", "test_000,Paul\n");
  EXPECT_EQ(listed(*PhotoSource::open(path, folder_ / "labels.csv").value()),
            std::vector<std::string>{"faces/test_000.jpg=Paul"});
}

TEST_F(PhotoSourceTest, RefusesWhatIsNoSource) {
  write("text", "no zip");
  EXPECT_EQ(PhotoSource::open(folder_ / "text", std::nullopt).error().reason, "not_a_zip");
  EXPECT_EQ(PhotoSource::open(folder_ / "nothing", std::nullopt).error().code, Code::kNotFound);
}

TEST_F(PhotoSourceTest, RefusesAFileThatWouldFillTheMemory) {
  write("Ann/1.jpg", "one");
  fs::resize_file(folder_ / "Ann/1.jpg", kPhotoFileBytes + 1);
  EXPECT_EQ(PhotoSource::open(folder_, std::nullopt).value()->read(0).error().reason, "photo_too_large");
}

TEST_F(PhotoSourceTest, ADamagedZipEntryIsUnreadable) {
  const fs::path path = write_zip({{"Ann/1.jpg", std::string(10'000, 'x')}});
  Bytes bytes = read_file(path).value();
  bytes[50] ^= 0x55;  // in the packed data
  ASSERT_TRUE(write_file_atomic(path, bytes));
  EXPECT_EQ(PhotoSource::open(path, std::nullopt).value()->read(0).error().reason, "unreadable");
}

}  // namespace
}  // namespace facefleet::tools
