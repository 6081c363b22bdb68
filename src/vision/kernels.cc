#include "vision/kernels.h"

#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace facefleet::vision::kernels {
namespace portable {

void sample_row(Source source, std::int64_t x, std::int64_t y, std::int64_t step_x, std::int64_t step_y,
                std::span<std::uint8_t> out) {
  for (std::size_t i = 0; i + 2 < out.size(); i += 3, x += step_x, y += step_y) {
    const std::uint8_t* top = source.pixels + 3 * ((y >> 32) * source.width + (x >> 32));
    const std::uint8_t* bottom = top + static_cast<std::ptrdiff_t>(3) * source.width;
    const auto fx = static_cast<std::int32_t>((x >> 26) & 63), fy = static_cast<std::int32_t>((y >> 26) & 63);
    for (std::size_t channel = 0; channel < 3; ++channel) {
      const std::int32_t above = top[channel] * (64 - fx) + top[channel + 3] * fx;
      const std::int32_t below = bottom[channel] * (64 - fx) + bottom[channel + 3] * fx;
      out[i + channel] = static_cast<std::uint8_t>((above * (64 - fy) + below * fy + 2048) >> 12);
    }
  }
}

void split_row(std::span<const std::uint8_t> rgb, float* red, float* green, float* blue) {
  for (std::size_t i = 0; i + 2 < rgb.size(); i += 3) {
    *red++ = rgb[i];
    *green++ = rgb[i + 1];
    *blue++ = rgb[i + 2];
  }
}

}  // namespace portable

#if defined(__x86_64__)
namespace {

// One pixel a turn: the eight bytes from each of two rows hold both neighbours of all channels.
__attribute__((target("avx2"))) void sample_row_avx2(Source source, std::int64_t x, std::int64_t y, std::int64_t step_x,
                                                     std::int64_t step_y, std::span<std::uint8_t> out) {
  // R0 G0 B0 R1 G1 B1 of the upper row, then of the lower -> pairs (left, right) by channel.
  const __m128i pair_up = _mm_setr_epi8(0, 3, 1, 4, 2, 5, -1, -1, 8, 11, 9, 12, 10, 13, -1, -1);
  const __m128i rounding = _mm_set1_epi32(2048);
  const std::ptrdiff_t stride = static_cast<std::ptrdiff_t>(3) * source.width;
  std::uint8_t* to = out.data();
  const std::uint8_t* const end = to + out.size();
  for (; to != end; to += 3, x += step_x, y += step_y) {
    const std::uint8_t* top = source.pixels + (y >> 32) * stride + 3 * (x >> 32);
    const auto fx = static_cast<std::int32_t>((x >> 26) & 63), fy = static_cast<std::int32_t>((y >> 26) & 63);
    const __m128i rows = _mm_unpacklo_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(top)),
                                            _mm_loadl_epi64(reinterpret_cast<const __m128i*>(top + stride)));
    const __m128i across =
        _mm_maddubs_epi16(_mm_shuffle_epi8(rows, pair_up), _mm_set1_epi16(static_cast<short>(fx << 8 | (64 - fx))));
    const __m128i down = _mm_madd_epi16(_mm_unpacklo_epi16(across, _mm_unpackhi_epi64(across, across)),
                                        _mm_set1_epi32(fy << 16 | (64 - fy)));
    const __m128i sums = _mm_srli_epi32(_mm_add_epi32(down, rounding), 12);
    const __m128i words = _mm_packus_epi32(sums, sums);
    const auto pixel = static_cast<std::uint32_t>(_mm_cvtsi128_si32(_mm_packus_epi16(words, words)));
    if (end - to >= 4) {
      std::memcpy(to, &pixel, 4);  // the fourth byte is the next pixel's, written in the next turn
    } else {
      std::memcpy(to, &pixel, 3);
    }
  }
}

__attribute__((target("avx2"))) inline void store_floats(__m128i bytes, float* to) {
  _mm256_storeu_ps(to, _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)));
  _mm256_storeu_ps(to + 8, _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_unpackhi_epi64(bytes, bytes))));
}

// Sixteen pixels a turn: three loads of sixteen bytes, three shuffles of each, or-ed by channel.
__attribute__((target("avx2"))) void split_row_avx2(std::span<const std::uint8_t> rgb, float* red, float* green,
                                                    float* blue) {
  const __m128i red0 = _mm_setr_epi8(0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  const __m128i red1 = _mm_setr_epi8(-1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14, -1, -1, -1, -1, -1);
  const __m128i red2 = _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1, 4, 7, 10, 13);
  const __m128i green0 = _mm_setr_epi8(1, 4, 7, 10, 13, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  const __m128i green1 = _mm_setr_epi8(-1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1);
  const __m128i green2 = _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14);
  const __m128i blue0 = _mm_setr_epi8(2, 5, 8, 11, 14, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  const __m128i blue1 = _mm_setr_epi8(-1, -1, -1, -1, -1, 1, 4, 7, 10, 13, -1, -1, -1, -1, -1, -1);
  const __m128i blue2 = _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15);
  std::size_t at = 0;
  for (; at + 48 <= rgb.size(); at += 48, red += 16, green += 16, blue += 16) {
    const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rgb.data() + at));
    const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rgb.data() + at + 16));
    const __m128i c = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rgb.data() + at + 32));
    const auto gather = [&](__m128i from_a, __m128i from_b, __m128i from_c) __attribute__((target("avx2"))) {
      return _mm_or_si128(_mm_or_si128(_mm_shuffle_epi8(a, from_a), _mm_shuffle_epi8(b, from_b)),
                          _mm_shuffle_epi8(c, from_c));
    };
    store_floats(gather(red0, red1, red2), red);
    store_floats(gather(green0, green1, green2), green);
    store_floats(gather(blue0, blue1, blue2), blue);
  }
  portable::split_row(rgb.subspan(at), red, green, blue);
}

}  // namespace
#endif

void sample_row(Source source, std::int64_t x, std::int64_t y, std::int64_t step_x, std::int64_t step_y,
                std::span<std::uint8_t> out) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return sample_row_avx2(source, x, y, step_x, step_y, out);
#endif
  portable::sample_row(source, x, y, step_x, step_y, out);
}

void split_row(std::span<const std::uint8_t> rgb, float* red, float* green, float* blue) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return split_row_avx2(rgb, red, green, blue);
#endif
  portable::split_row(rgb, red, green, blue);
}

}  // namespace facefleet::vision::kernels
