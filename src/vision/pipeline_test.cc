// The whole room on real photos and real models, against ONNX Runtime's numbers. `./dev build` fetches both.
#include "vision/pipeline.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numeric>
#include <sstream>

#include "base/file.h"
#include "vision/decode.h"
#include "vision/transform.h"

namespace facefleet::vision {
namespace {

namespace fs = std::filesystem;

const fs::path kPhotos = ".deps/testphotos";

PipelineOptions options(const fs::path& cache_dir, Precision precision) {
  PipelineOptions out;
  out.detector.name = out.detector.family = "yunet";
  out.detector.sha256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4";
  out.detector.file = ".deps/models/yunet.onnx";
  out.embedder.name = out.embedder.family = "sface";
  out.embedder.sha256 = "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79";
  out.embedder.file = ".deps/models/sface.onnx";
  out.embedder.dimensions = 128;
  out.embedder.threshold = 0.336F;
  out.cache_dir = cache_dir;
  out.embedder_precision = precision;
  return out;
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

class PipelineTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ASSERT_TRUE(fs::exists(kPhotos / "people") && fs::exists(".deps/models/sface.onnx"))
        << "the models and test photos are not there; `./dev build` fetches them into .deps/ (run the test from the "
           "project's folder)";
    std::string name = testing::TempDir() + "vision-cache-XXXXXX";
    cache_dir_ = ::mkdtemp(name.data());
    auto opened = Pipeline::open(options(cache_dir_, Precision::kF32));
    ASSERT_TRUE(opened) << opened.error().message;
    pipeline_ = std::move(*opened);
  }
  static void TearDownTestSuite() {
    pipeline_.reset();
    fs::remove_all(cache_dir_);
  }
  void SetUp() override { ASSERT_NE(pipeline_, nullptr) << "the pipeline could not be opened"; }

  static Bytes photo(const fs::path& path) {
    auto bytes = read_file(kPhotos / path);
    EXPECT_TRUE(bytes) << bytes.error().message;
    return bytes ? std::move(*bytes) : Bytes();
  }

  static Analysis analyse(BytesView bytes, const AnalyseOptions& how = {}, Pipeline& pipeline = *pipeline_) {
    auto out = pipeline.analyse(bytes, how);
    EXPECT_TRUE(out) << out.error().message;
    return out ? std::move(*out) : Analysis();
  }

  static const Face& main_of(const Analysis& analysis) {
    EXPECT_GE(analysis.main_face, 0);
    return analysis.faces.at(static_cast<std::size_t>(analysis.main_face));
  }

  inline static fs::path cache_dir_;
  inline static std::unique_ptr<Pipeline> pipeline_;
};

struct Golden {
  std::string photo;
  std::array<Point, 5> landmarks{};
  std::vector<float> embedding;
};

std::vector<Golden> read_goldens() {
  std::ifstream file("tests/golden/vision/embeddings.txt");
  std::vector<Golden> out;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    Golden golden;
    words >> golden.photo;
    for (Point& point : golden.landmarks) words >> point.x >> point.y;
    for (float value = 0; words >> value;) golden.embedding.push_back(value);
    out.push_back(std::move(golden));
  }
  return out;
}

TEST_F(PipelineTest, AgreesWithOnnxRuntime) {
  const std::vector<Golden> goldens = read_goldens();
  ASSERT_GE(goldens.size(), 10U);
  for (const Golden& golden : goldens) {
    const Analysis found = analyse(photo(golden.photo), {.embed_all = false});
    const Face& face = main_of(found);
    EXPECT_GE(cosine(face.embedding, golden.embedding), 0.999) << golden.photo;
    for (std::size_t i = 0; i < 5; ++i) {
      const double apart =
          std::hypot(face.landmarks[i].x - golden.landmarks[i].x, face.landmarks[i].y - golden.landmarks[i].y);
      EXPECT_LT(apart, 0.01 * face.box.width) << golden.photo << " landmark " << i;
    }
  }
}

TEST_F(PipelineTest, Bf16IsCloseToF32) {
  const auto opened = Pipeline::open(options(cache_dir_, Precision::kBf16));
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ((*opened)->precision(), "bf16");
  for (const Golden& golden : read_goldens()) {
    const Analysis found = analyse(photo(golden.photo), {.embed_all = false}, **opened);
    EXPECT_GE(cosine(main_of(found).embedding, golden.embedding), 0.995) << golden.photo;
  }
}

TEST_F(PipelineTest, TellsPersonsApart) {
  const auto embedding = [&](const char* path) { return main_of(analyse(photo(path))).embedding; };
  const auto obama = embedding("people/Barack_Obama/obama.jpg");
  EXPECT_GT(cosine(obama, embedding("probes/Barack_Obama.jpg")), pipeline_->threshold());
  EXPECT_LT(cosine(obama, embedding("probes/Emmanuel_Macron.jpg")), pipeline_->threshold());
  EXPECT_LT(cosine(obama, embedding("people/Joe_Biden/biden.jpg")), pipeline_->threshold());
}

TEST_F(PipelineTest, FindsAllOfAGroup) {
  const Analysis found = analyse(photo("more/solvay_1927.jpg"), {.embed_all = false});
  EXPECT_EQ(found.width, 3000);
  EXPECT_EQ(found.height, 2171);
  EXPECT_EQ(found.faces.size(), 29U);
  for (std::size_t i = 0; i < found.faces.size(); ++i) {
    EXPECT_LE(found.faces[i].score, found.faces[i > 0 ? i - 1 : 0].score);
    EXPECT_EQ(found.faces[i].embedding.empty(), static_cast<std::int32_t>(i) != found.main_face);
  }
}

TEST_F(PipelineTest, EmbedsAllFacesOnRequest) {
  const Analysis found = analyse(photo("more/solvay_1927.jpg"));
  for (const Face& face : found.faces) {
    ASSERT_EQ(face.embedding.size(), 128U);
    EXPECT_NEAR(cosine(face.embedding, face.embedding), 1, 1e-5);
    EXPECT_FALSE(face.chip);
  }
}

TEST_F(PipelineTest, LeavesOutFacesThatAreTooSmall) {
  const Analysis all = analyse(photo("more/solvay_1927.jpg"), {.embed_all = false});
  const Analysis large = analyse(photo("more/solvay_1927.jpg"), {.embed_all = false, .face_pixels_min = 110});
  EXPECT_LT(large.faces.size(), all.faces.size());
  EXPECT_GT(large.faces.size(), 0U);
  for (const Face& face : large.faces) EXPECT_GE(std::max(face.box.width, face.box.height), 110);
}

TEST_F(PipelineTest, AFaceLyingOnItsSideIsFoundAndPlacedInThePhotoAsSent) {
  const Bytes bytes = photo("people/Emmanuel_Macron/macron_2014.jpg");
  auto opened = Photo::open(bytes);
  ASSERT_TRUE(opened);
  const Image image = **opened->level(0);
  const Face expected = main_of(analyse(encode_png(image)));
  // EXIF 8 stands for "turn this 270 degrees clockwise"; what comes out must be turned 90 more to be upright, and so
  // on.
  struct Turn {
    std::int32_t orientation, rotation;
  };
  for (const Turn turn : {Turn{8, 90}, Turn{3, 180}, Turn{6, 270}}) {
    const Bytes lying = encode_png(upright(image, turn.orientation));
    const Analysis found = analyse(lying);
    EXPECT_EQ(found.rotation, turn.rotation);
    const Face& face = main_of(found);
    EXPECT_GT(cosine(face.embedding, expected.embedding), 0.99) << turn.rotation;
    const Point nose = unturned(found.width, found.height, turn.rotation)(expected.landmarks[2]);
    EXPECT_LT(std::hypot(face.landmarks[2].x - nose.x, face.landmarks[2].y - nose.y), 2) << turn.rotation;
    EXPECT_EQ(analyse(lying, {.try_rotations = false}).rotation, 0);
  }
}

TEST_F(PipelineTest, AChipGivesTheEmbeddingThatCameWithIt) {
  const Analysis found = analyse(photo("people/Barack_Obama/obama.jpg"), {.keep_chips = true});
  const Face& face = main_of(found);
  ASSERT_TRUE(face.chip);
  EXPECT_EQ(face.chip->width, 112);
  EXPECT_EQ(face.chip->height, 112);
  EXPECT_EQ(face.chip->pixels.size(), 112U * 112 * 3);
}

TEST_F(PipelineTest, SmallPhotosAreEnlarged) {
  const Bytes bytes = photo("people/Emmanuel_Macron/macron_2014.jpg");
  auto opened = Photo::open(bytes);
  ASSERT_TRUE(opened);
  const auto quarter = opened->level(1);
  ASSERT_TRUE(quarter);
  const Analysis found = analyse(encode_png(**quarter));
  EXPECT_EQ(found.width, (*quarter)->width);
  EXPECT_GT(cosine(main_of(found).embedding, main_of(analyse(bytes)).embedding), 0.8);
}

TEST_F(PipelineTest, StrangeShapesAreAnswered) {
  for (const auto& [width, height] :
       {std::pair{1, 1}, std::pair{3, 2}, std::pair{5000, 3}, std::pair{1, 3000}, std::pair{700, 90}}) {
    const Image flat{width, height, std::vector<std::uint8_t>(static_cast<std::size_t>(3) * width * height, 128)};
    const Analysis found = analyse(encode_png(flat));
    EXPECT_TRUE(found.faces.empty()) << width << "x" << height;
    EXPECT_EQ(found.main_face, -1);
    EXPECT_EQ(found.rotation, 0);
  }
}

TEST_F(PipelineTest, BadBytesAreRefusedWithAReason) {
  for (const auto& [bytes, reason] : {std::pair<Bytes, std::string>{"", "empty"}, {"text", "not_an_image"}}) {
    const auto found = pipeline_->analyse(bytes, {});
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Code::kInvalidInput);
    EXPECT_EQ(found.error().reason, reason);
  }
}

TEST_F(PipelineTest, SaysWhatItIs) {
  EXPECT_EQ(pipeline_->embedder_version(), "sface@0ba9fbfa");
  EXPECT_EQ(pipeline_->embedding_dimensions(), 128U);
  EXPECT_EQ(pipeline_->precision(), "f32");
}

TEST_F(PipelineTest, OpensWithoutACacheAndComputesTheSame) {
  const auto opened = Pipeline::open(options({}, Precision::kF32));
  ASSERT_TRUE(opened) << opened.error().message;
  const Bytes bytes = photo("people/Emmanuel_Macron/macron_2014.jpg");
  EXPECT_GT(cosine(main_of(analyse(bytes)).embedding, main_of(analyse(bytes, {}, **opened)).embedding), 0.99999);
}

TEST_F(PipelineTest, OpensNoFileOnceItIsOpen) {
  const fs::path cache = cache_dir_ / "moved-away";
  auto opened = Pipeline::open(options(cache, Precision::kF32));
  ASSERT_TRUE(opened) << opened.error().message;
  fs::remove_all(cache);
  EXPECT_FALSE(analyse(photo("people/Barack_Obama/obama.jpg"), {}, **opened).faces.empty())
      << "a size of photo that was not seen before";
}

TEST_F(PipelineTest, ADamagedCacheIsMadeAgain) {
  const fs::path cache = cache_dir_ / "damaged";
  ASSERT_TRUE(Pipeline::open(options(cache, Precision::kF32)));
  for (const auto& entry : fs::directory_iterator(cache))
    if (entry.path().extension() == ".blob") fs::resize_file(entry.path(), 1000);
  const auto opened = Pipeline::open(options(cache, Precision::kF32));
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_FALSE(analyse(photo("people/Barack_Obama/obama.jpg"), {}, **opened).faces.empty());
}

TEST_F(PipelineTest, RefusesModelsThatAreNotTheCards) {
  PipelineOptions wrong = options(cache_dir_, Precision::kF32);
  wrong.embedder.sha256[0] = 'f';
  EXPECT_EQ(Pipeline::open(wrong).error().code, Code::kInvalidInput);
  wrong = options(cache_dir_, Precision::kF32);
  wrong.embedder.file = ".deps/models/none.onnx";
  EXPECT_EQ(Pipeline::open(wrong).error().code, Code::kNotFound);
  wrong = options(cache_dir_, Precision::kF32);
  wrong.detector.family = "retina";
  EXPECT_NE(Pipeline::open(wrong).error().message.find("retina"), std::string::npos);
  wrong = options(cache_dir_, Precision::kF32);
  wrong.embedder.dimensions = 512;
  EXPECT_EQ(Pipeline::open(wrong).error().reason, "model_differs");
}

TEST(MainFaceTest, IsLargeAndCentral) {
  const auto face = [](float x, float y, float side) {
    Face out;
    out.box = {x, y, side, side};
    return out;
  };
  EXPECT_EQ(main_face({}, 100, 100), -1);
  EXPECT_EQ(main_face({face(0, 0, 10)}, 100, 100), 0);
  EXPECT_EQ(main_face({face(0, 0, 30), face(40, 40, 20)}, 100, 100), 1) << "the central one, though smaller";
  EXPECT_EQ(main_face({face(45, 45, 10), face(30, 30, 40)}, 100, 100), 1) << "the larger of two at the centre";
  EXPECT_EQ(main_face({face(40, 40, 20), face(40, 40, 20)}, 100, 100), 0) << "the better scored of equals";
}

}  // namespace
}  // namespace facefleet::vision
