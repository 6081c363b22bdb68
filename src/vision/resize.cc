#include "vision/resize.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace facefleet::vision {
namespace {

// The source's pixels, from `first` on, that make one pixel along an axis, and their weights, which sum to 1.
struct Taps {
  std::size_t first = 0;
  std::vector<float> weights;
};

std::vector<Taps> taps_of(std::int32_t source_size, std::int64_t scaled_size, std::int64_t begin, std::int32_t count) {
  const double scale = static_cast<double>(source_size) / static_cast<double>(scaled_size);
  const double reach = std::max(scale, 1.0);
  std::vector<Taps> all(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < all.size(); ++i) {
    const double centre = (static_cast<double>(begin) + static_cast<double>(i) + 0.5) * scale;
    const auto first = std::clamp<std::int64_t>(std::llround(std::floor(centre - reach + 0.5)), 0, source_size - 1);
    const auto end =
        std::clamp<std::int64_t>(std::llround(std::floor(centre + reach + 0.5)), first + 1, std::int64_t{source_size});
    Taps& taps = all[i];
    taps.first = static_cast<std::size_t>(first);
    double sum = 0;
    for (std::int64_t at = first; at < end; ++at) {
      const double weight = std::max(0.0, 1 - std::abs((static_cast<double>(at) + 0.5 - centre) / reach));
      taps.weights.push_back(static_cast<float>(weight));
      sum += weight;
    }
    for (float& weight : taps.weights) weight = sum > 0 ? static_cast<float>(weight / sum) : 1.0F;
  }
  return all;
}

void resize_row(const std::uint8_t* source, const std::vector<Taps>& columns, float* out) {
  for (const Taps& taps : columns) {
    float red = 0, green = 0, blue = 0;
    const std::uint8_t* pixel = source + 3 * taps.first;
    for (const float weight : taps.weights) {
      red += weight * static_cast<float>(pixel[0]);
      green += weight * static_cast<float>(pixel[1]);
      blue += weight * static_cast<float>(pixel[2]);
      pixel += 3;
    }
    out[0] = red;
    out[1] = green;
    out[2] = blue;
    out += 3;
  }
}

}  // namespace

Image resize(const Image& source, const Window& window) {
  const std::vector<Taps> columns = taps_of(source.width, window.scaled_width, window.left, window.width);
  const std::vector<Taps> rows = taps_of(source.height, window.scaled_height, window.top, window.height);
  const std::size_t row_size = 3 * columns.size(), source_row_size = 3 * static_cast<std::size_t>(source.width);
  Image out{window.width, window.height, std::vector<std::uint8_t>(row_size * rows.size())};
  // Source rows already resized, [first, first + done / row_size): those of one output row overlap the next one's.
  std::vector<float> resized;
  std::vector<float> sum(row_size);
  std::size_t first = rows.front().first;
  for (std::size_t y = 0; y < rows.size(); ++y) {
    const Taps& taps = rows[y];
    if (taps.first > first) {
      const std::size_t past = std::min((taps.first - first) * row_size, resized.size());
      resized.erase(resized.begin(), resized.begin() + static_cast<std::ptrdiff_t>(past));
      first = taps.first;
    }
    for (std::size_t there = resized.size() / row_size; there < taps.weights.size(); ++there) {
      resized.resize((there + 1) * row_size);
      resize_row(source.pixels.data() + (first + there) * source_row_size, columns, &resized[there * row_size]);
    }
    std::fill(sum.begin(), sum.end(), 0.0F);
    for (std::size_t tap = 0; tap < taps.weights.size(); ++tap)
      for (std::size_t i = 0; i < row_size; ++i) sum[i] += taps.weights[tap] * resized[tap * row_size + i];
    for (std::size_t i = 0; i < row_size; ++i)
      out.pixels[y * row_size + i] = static_cast<std::uint8_t>(std::clamp(sum[i] + 0.5F, 0.0F, 255.0F));
  }
  return out;
}

}  // namespace facefleet::vision
