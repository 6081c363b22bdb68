#include <array>
#include <cstdio>
#include <openvino/openvino.hpp>
#include <sstream>
#include <string>
#include <utility>

#include "base/file.h"
#include "base/hash.h"
#include "vision/engines/engine.h"
#include "vision/model_file.h"

namespace facefleet::vision {
namespace {

constexpr const char* kDevice = "CPU";

// Everything that OpenVINO throws becomes an error here: `doing` says what failed, for a person.
template <class Work>
auto guarded(const std::string& doing, Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::exception& failure) {
    return Error{Code::kInternal, doing + " failed: " + failure.what(), "engine"};
  }
}

ov::AnyMap settings(Precision precision) {
  return {ov::num_streams(1),
          ov::inference_num_threads(1),
          ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY),
          // Pinned, all workers of a machine would sit on its first core.
          ov::hint::enable_cpu_pinning(false),
          // Kernels that are kept for input sizes seen before: some eight sizes' worth, about 60 MB at most.
          {"CPU_RUNTIME_CACHE_CAPACITY", 400},
          ov::hint::inference_precision(precision == Precision::kBf16 ? ov::element::bf16 : ov::element::f32)};
}

std::string shape_name(const Shape& shape) {
  std::string out;
  for (const std::int64_t size : shape)
    out += (out.empty() ? "" : "x") + (size == kAnySize ? "any" : std::to_string(size));
  return out;
}

// A cached file ends with the CRC-32C of what is before, as a disk that lies would otherwise change embeddings unseen.
constexpr std::size_t kChecksumBytes = 8;

Bytes checksum(BytesView bytes) {
  std::array<char, kChecksumBytes + 1> digits{};
  std::snprintf(digits.data(), digits.size(), "%08x", crc32c(bytes));
  return {digits.data(), kChecksumBytes};
}

BytesView without_checksum(BytesView file) { return file.substr(0, file.size() - kChecksumBytes); }

bool is_whole(BytesView file) {
  return file.size() > kChecksumBytes && file.ends_with(checksum(without_checksum(file)));
}

class OpenvinoNetwork final : public Network {
 public:
  OpenvinoNetwork(std::shared_ptr<const MappedFile> weights, ov::CompiledModel compiled,
                  const std::vector<std::string>& outputs)
      : weights_(std::move(weights)), compiled_(std::move(compiled)), request_(compiled_.create_infer_request()) {
    for (const std::string& name : outputs) ports_.push_back(compiled_.output(name));
  }

  Result<std::span<float>> input(const Shape& shape) override {
    return guarded("taking an input", [&]() -> Result<std::span<float>> {
      const ov::Shape wanted(shape.begin(), shape.end());
      if (!input_ || input_.get_shape() != wanted) {
        input_ = ov::Tensor(ov::element::f32, wanted);
        request_.set_input_tensor(input_);
      }
      return std::span<float>(input_.data<float>(), input_.get_size());
    });
  }

  Result<void> run() override {
    return guarded("running the network", [&]() -> Result<void> {
      request_.infer();
      outputs_.clear();
      for (const auto& port : ports_) outputs_.push_back(request_.get_tensor(port));
      return {};
    });
  }

  std::span<const float> output(std::size_t place) const override {
    return {outputs_[place].data<const float>(), outputs_[place].get_size()};
  }

 private:
  std::shared_ptr<const MappedFile> weights_;  // which compiled_ may point into
  ov::CompiledModel compiled_;
  ov::InferRequest request_;
  ov::Tensor input_;
  std::vector<ov::Output<const ov::Node>> ports_;
  std::vector<ov::Tensor> outputs_;
};

class OpenvinoModel final : public Model {
 public:
  OpenvinoModel(std::shared_ptr<ov::Core> core, ModelRequest request, std::filesystem::path cache_dir)
      : core_(std::move(core)), request_(std::move(request)), cache_dir_(std::move(cache_dir)) {}

  // Maps every shape's compiled form, after making those that are missing or damaged.
  Result<void> prepare() {
    if (cache_dir_.empty()) return read();
    for (const Shape& shape : request_.shapes) {
      const std::filesystem::path path = cache_dir_ / cache_name(shape);
      Result<std::unique_ptr<MappedFile>> mapped = MappedFile::open(path);
      if (!mapped || !is_whole((*mapped)->bytes())) {
        const Result<void> made = make_cached(shape, path);
        if (!made) return made;
        mapped = MappedFile::open(path);
        if (!mapped) return mapped.error();
      }
      mapped_.emplace_back(std::move(*mapped));
    }
    source_.reset();  // compiled forms are at hand; the graph itself is needed no more
    return {};
  }

  Result<std::unique_ptr<Network>> load(std::size_t place) override {
    return guarded("loading " + request_.file.filename().string(), [&]() -> Result<std::unique_ptr<Network>> {
      if (mapped_.empty())
        return std::make_unique<OpenvinoNetwork>(nullptr, compile(request_.shapes[place]), request_.outputs);
      const std::shared_ptr<const MappedFile>& blob = mapped_[place];
      // The tensor only reads, though its constructor takes no const pointer.
      const BytesView compiled = without_checksum(blob->bytes());
      const ov::Tensor bytes(ov::element::u8, {compiled.size()}, const_cast<char*>(compiled.data()));
      return std::make_unique<OpenvinoNetwork>(blob, core_->import_model(bytes, kDevice, settings(request_.precision)),
                                               request_.outputs);
    });
  }

 private:
  // A name that no other model, engine, precision, shape or kind of processor shares.
  std::string cache_name(const Shape& shape) const {
    std::string processor = core_->get_property(kDevice, ov::device::full_name);
    for (const std::string& capability : core_->get_property(kDevice, ov::device::capabilities))
      processor += " " + capability;
    const std::string key = request_.sha256 + ov::get_openvino_version().buildNumber + processor;
    return request_.file.stem().string() + "-" + shape_name(shape) + "-" +
           (request_.precision == Precision::kBf16 ? "bf16" : "f32") + "-" + hex(sha256(key)).substr(0, 16) + ".blob";
  }

  Result<void> read() {
    if (source_) return {};
    return guarded("reading " + request_.file.string(), [&]() -> Result<void> {
      source_ = core_->read_model(request_.file.string());
      return {};
    });
  }

  ov::CompiledModel compile(const Shape& shape) {
    const std::shared_ptr<ov::Model> reshaped = source_->clone();
    reshaped->reshape(ov::PartialShape(std::vector<ov::Dimension>(shape.begin(), shape.end())));
    return core_->compile_model(reshaped, kDevice, settings(request_.precision));
  }

  Result<void> make_cached(const Shape& shape, const std::filesystem::path& path) {
    const Result<void> got = read();
    if (!got) return got;
    return guarded("compiling " + request_.file.string(), [&]() -> Result<void> {
      std::filesystem::create_directories(cache_dir_);
      std::ostringstream blob;
      compile(shape).export_model(blob);
      Bytes bytes = std::move(blob).str();
      bytes += checksum(bytes);
      return write_file_atomic(path, bytes);
    });
  }

  std::shared_ptr<ov::Core> core_;
  ModelRequest request_;
  std::filesystem::path cache_dir_;
  std::shared_ptr<ov::Model> source_;
  std::vector<std::shared_ptr<const MappedFile>> mapped_;  // by place of the shape; empty without a cache
};

class OpenvinoEngine final : public Engine {
 public:
  OpenvinoEngine(std::shared_ptr<ov::Core> core, std::filesystem::path cache_dir)
      : core_(std::move(core)), cache_dir_(std::move(cache_dir)) {}

  Result<std::unique_ptr<Model>> open(const ModelRequest& request) override {
    const Result<void> verified = verify_model_file(request.file, request.sha256, cache_dir_);
    if (!verified) return verified.error();
    auto model = std::make_unique<OpenvinoModel>(core_, request, cache_dir_);
    const Result<void> ready = guarded("opening " + request.file.string(), [&] { return model->prepare(); });
    if (!ready) return ready.error();
    return model;
  }

 private:
  std::shared_ptr<ov::Core> core_;
  std::filesystem::path cache_dir_;
};

}  // namespace

Result<std::unique_ptr<Engine>> make_openvino_engine(const std::filesystem::path& cache_dir) {
  return guarded("starting OpenVINO", [&]() -> Result<std::unique_ptr<Engine>> {
    return std::make_unique<OpenvinoEngine>(std::make_shared<ov::Core>(), cache_dir);
  });
}

}  // namespace facefleet::vision
