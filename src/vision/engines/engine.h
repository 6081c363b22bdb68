// Runs neural networks. Names no engine's type: openvino_engine.cc is the only file that knows OpenVINO.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "vision/pipeline.h"

namespace facefleet::vision {

using Shape = std::vector<std::int64_t>;
constexpr std::int64_t kAnySize = -1;  // in a ModelRequest: this dimension is known when the network runs

// A network made ready for one shape of ModelRequest. Not thread-safe; computes on the thread that calls run(), alone.
class Network {
 public:
  virtual ~Network() = default;

  // The input, row-major: fill it, then run(). `shape` is the one that the network was made for, with numbers in place
  // of kAnySize; the first run with such numbers is slower. The contents after run() are not defined.
  virtual Result<std::span<float>> input(const Shape& shape) = 0;
  virtual Result<void> run() = 0;
  // The output of that place in ModelRequest::outputs, row-major; valid until the next run().
  virtual std::span<const float> output(std::size_t place) const = 0;
};

// A model file whose digest was verified. Opens no file: what it needs is mapped or in memory. Not thread-safe.
class Model {
 public:
  virtual ~Model() = default;

  // Makes the network ready for ModelRequest::shapes[place], in some tens of milliseconds. A network with kAnySize is
  // about a tenth slower than one made for the very shape. The model must outlive the network.
  virtual Result<std::unique_ptr<Network>> load(std::size_t place) = 0;
};

struct ModelRequest {
  std::filesystem::path file;             // ONNX
  std::string sha256;                     // of the file, 64 hex digits
  std::vector<Shape> shapes;              // of its one input, that load() may be asked for
  std::vector<std::string> outputs;       // names, in the order in which output() counts them
  Precision precision = Precision::kF32;  // kF32 or kBf16; stated always, as an engine's own choice can be the slower
};

// Thread-safe.
class Engine {
 public:
  virtual ~Engine() = default;

  // kInvalidInput if the file is not the one that the digest names; kNotFound if it is not there.
  virtual Result<std::unique_ptr<Model>> open(const ModelRequest& request) = 0;
};

// `cache_dir`: compiled networks are kept there, under names that change with the model, the engine's version and the
// processor; shared by all processes of a machine. Empty: compile at every start.
Result<std::unique_ptr<Engine>> make_openvino_engine(const std::filesystem::path& cache_dir);

}  // namespace facefleet::vision
