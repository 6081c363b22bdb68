// The steps round the two networks, on a picture made here: no model is needed.
#include <benchmark/benchmark.h>
#include <turbojpeg.h>

#include <random>

#include "vision/decode.h"
#include "vision/transform.h"

namespace facefleet::vision {
namespace {

// Soft shapes with a camera's noise: about as many bits a pixel as a photo has.
Image picture(std::int32_t width, std::int32_t height) {
  std::mt19937 random(1);
  Image out{width, height, {}};
  for (std::int32_t y = 0; y < height; ++y)
    for (std::int32_t x = 0; x < width; ++x)
      for (const std::int32_t value : {60 + 120 * x / width, 60 + 120 * y / height, 90 + 60 * ((x / 50 + y / 50) % 2)})
        out.pixels.push_back(static_cast<std::uint8_t>(value + static_cast<std::int32_t>(random() % 9)));
  return out;
}

Bytes jpeg(const Image& image) {
  tjhandle handle = tjInitCompress();
  unsigned char* data = nullptr;
  unsigned long size = 0;
  tjCompress2(handle, image.pixels.data(), image.width, 0, image.height, TJPF_RGB, &data, &size, TJSAMP_420, 90, 0);
  Bytes out(reinterpret_cast<const char*>(data), size);
  tjFree(data);
  tjDestroy(handle);
  return out;
}

void decode_jpeg(benchmark::State& state) {
  const Bytes bytes =
      jpeg(picture(static_cast<std::int32_t>(state.range(0)), static_cast<std::int32_t>(state.range(1))));
  for (auto _ : state) {
    auto photo = Photo::open(bytes);
    benchmark::DoNotOptimize(photo->level(static_cast<std::int32_t>(state.range(2))));
  }
  state.counters["bytes"] = static_cast<double>(bytes.size());
}
BENCHMARK(decode_jpeg)
    ->Args({250, 250, 0})
    ->Args({4000, 3000, 2})
    ->Args({4000, 3000, 0})
    ->Unit(benchmark::kMillisecond);

void align_face(benchmark::State& state) {
  const Image image = picture(250, 250);
  const Affine map =
      inverse(similarity({{{105, 113}, {146, 112}, {126, 135}, {109, 158}, {143, 157}}},
                         {{{38.3F, 51.7F}, {73.5F, 51.5F}, {56, 71.7F}, {41.5F, 92.4F}, {70.7F, 92.2F}}}));
  for (auto _ : state) benchmark::DoNotOptimize(warp(image, map, 112, 112, Border::kBlack));
}
BENCHMARK(align_face)->Unit(benchmark::kMicrosecond);

void shrink_to_canvas(benchmark::State& state) {
  const Image image = picture(1000, 750);
  const double scale = 1000.0 / 640;
  const Affine map{scale, 0, scale / 2 - 0.5, 0, scale, scale / 2 - 0.5};
  for (auto _ : state) benchmark::DoNotOptimize(warp(image, map, 640, 480, Border::kReplicate));
}
BENCHMARK(shrink_to_canvas)->Unit(benchmark::kMicrosecond);

void fill_planes(benchmark::State& state) {
  const Image image = picture(250, 250);
  std::vector<float> planes(std::size_t{3} * 256 * 256);
  const std::span<float> all(planes);
  for (auto _ : state) {
    to_planes(image, {all.subspan(0, 65536), all.subspan(65536, 65536), all.subspan(131072, 65536), 256, 256});
    benchmark::DoNotOptimize(planes.data());
  }
}
BENCHMARK(fill_planes)->Unit(benchmark::kMicrosecond);

void turn_upright(benchmark::State& state) {
  const Image image = picture(1000, 750);
  for (auto _ : state) benchmark::DoNotOptimize(upright(image, 6));
}
BENCHMARK(turn_upright)->Unit(benchmark::kMicrosecond);

void halve_image(benchmark::State& state) {
  const Image image = picture(1000, 750);
  for (auto _ : state) benchmark::DoNotOptimize(halve(image));
}
BENCHMARK(halve_image)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace facefleet::vision
