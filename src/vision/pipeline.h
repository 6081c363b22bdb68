// Bytes in, faces and embeddings out. Pure computation: opens no socket, and no file once open()
// has returned.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "vision/image.h"

namespace facefleet::vision {

struct Point {
  float x = 0, y = 0;
};

struct Box {
  float x = 0, y = 0, width = 0, height = 0;
};

// A face as the detector sees it, in pixels of the upright photo (EXIF applied, not scaled).
struct Face {
  Box box;
  std::array<Point, 5> landmarks{};  // right eye, left eye, nose, right and left mouth corner (the person's right)
  float score = 0;
  std::vector<float> embedding;  // unit length; empty where not asked for
  std::optional<Image> chip;     // 112x112, aligned; where asked for
};

struct Timings {
  double decode_ms = 0, detect_ms = 0, align_ms = 0, embed_ms = 0;  // wall time of the calling thread
};

struct Analysis {
  std::int32_t width = 0, height = 0;  // of the upright photo, as stored (before any scaled decode)
  std::int32_t rotation = 0;           // degrees clockwise of the turn whose faces are surest: 0, 90, 180, 270
  std::vector<Face> faces;             // by the detector's score, best first; at most kFacesPerPhoto
  std::int32_t main_face = -1;         // index of the face that names the photo; −1: no face
  Timings timings;
};

enum class Precision { kAuto, kF32, kBf16 };  // kAuto: f32, or bf16 where the processor gains by it

// What a model card (models/NAME.toml) says that the pipeline needs; config reads the cards.
struct ModelSpec {
  std::string name;    // "sface"
  std::string family;  // which file of models/ knows its input and output: "yunet", "sface", "mobilenet"
  std::string sha256;  // of the file; open() refuses a file that differs
  std::filesystem::path file;
  std::uint32_t dimensions = 0;        // embedders; of classifiers, how many classes
  float threshold = 0;                 // embedders: cosine similarity at FAR 1e-3
  std::filesystem::path classes_file;  // classifiers: a name a line
  std::string classes_sha256;
};

struct PipelineOptions {
  ModelSpec detector;
  ModelSpec embedder;
  std::filesystem::path cache_dir;  // compiled models; empty: compile at every start
  Precision embedder_precision = Precision::kAuto;
};

struct AnalyseOptions {
  bool embed_all = true;  // false: only the main face is embedded
  bool keep_chips = false;
  float face_pixels_min = 0;  // faces whose box's longer side is smaller are left out
  bool try_rotations = true;  // by 90, 180, 270 degrees, where the photo as it is shows no face or no sure one
};

// One per thread: not thread-safe. Runs on the calling thread alone.
class Pipeline {
 public:
  // Loads the models: in about 0.1 s of CPU from a warm cache_dir; the first time on a machine they are compiled too (1
  // s).
  static Result<std::unique_ptr<Pipeline>> open(const PipelineOptions& options);
  virtual ~Pipeline() = default;

  // kInvalidInput with a reason (`empty`, `not_an_image`, `truncated`, `too_many_pixels`, `unsupported_format`) if the
  // photo cannot be decoded. A photo without a face is an answer, not an error.
  virtual Result<Analysis> analyse(BytesView photo, const AnalyseOptions& options) = 0;

  virtual const std::string& embedder_version() const = 0;  // "sface@0ba9fbfa": name and first 8 of the sha256
  virtual std::uint32_t embedding_dimensions() const = 0;
  virtual float threshold() const = 0;        // cosine similarity at FAR 1e-3, from the embedder's card
  virtual std::string precision() const = 0;  // "f32" or "bf16", of the embedder
};

// The face with the largest area − 2·(distance of its centre to the photo's centre)², as LFW's photos
// are centred on their person: YuNet + SFace 99.43 % so, 99.05 % with the largest (measured, targets).
// −1 if there is none.
std::int32_t main_face(const std::vector<Face>& faces, std::int32_t width, std::int32_t height);

}  // namespace facefleet::vision
