#include "vision/model_file.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/hash.h"

namespace facefleet::vision {
namespace {

class ModelFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "model-file-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    file_ = folder_ / "model.onnx";
    ASSERT_TRUE(write_file_atomic(file_, "weights"));
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_, file_;
  const std::string sha256_ = hex(sha256("weights"));
};

TEST_F(ModelFileTest, TakesTheRightFileWithAndWithoutANote) {
  EXPECT_TRUE(verify_model_file(file_, sha256_, ""));
  EXPECT_TRUE(verify_model_file(file_, sha256_, folder_));
  EXPECT_TRUE(verify_model_file(file_, sha256_, folder_));
}

TEST_F(ModelFileTest, RefusesAnotherFileAndSaysWhatToDo) {
  const auto verified = verify_model_file(file_, hex(sha256("others")), folder_);
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().code, Code::kInvalidInput);
  EXPECT_NE(verified.error().message.find("fetch it again"), std::string::npos);
}

TEST_F(ModelFileTest, ANoteDoesNotCoverAChangedFile) {
  ASSERT_TRUE(verify_model_file(file_, sha256_, folder_));
  ASSERT_TRUE(write_file_atomic(file_, "weightz"));
  EXPECT_FALSE(verify_model_file(file_, sha256_, folder_));
}

TEST_F(ModelFileTest, ANoteDoesNotCoverAnotherDigest) {
  ASSERT_TRUE(verify_model_file(file_, sha256_, folder_));
  EXPECT_FALSE(verify_model_file(file_, hex(sha256("others")), folder_));
}

TEST_F(ModelFileTest, AMissingFileIsNotFound) {
  const auto verified = verify_model_file(folder_ / "none.onnx", sha256_, folder_);
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().code, Code::kNotFound);
}

}  // namespace
}  // namespace facefleet::vision
