#include "cpu/augment.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "cpu/images.h"

namespace mundur {
namespace {

/// Streams of augmentation: apart from initialisers', masks' and shuffles'.
constexpr std::uint64_t kAugment = std::uint64_t{1} << 61;

std::uint64_t draw(std::uint64_t counter, std::uint64_t stream, std::uint64_t key) {
  const PhiloxBlock block = philox_of(counter, {key, stream});
  return std::uint64_t{block.word[1]} << 32 | block.word[0];
}

/// Uniform in [-most, most], from 32 random bits.
std::int64_t offset(std::uint32_t bits, std::int64_t most) {
  const std::uint64_t choices = 2 * static_cast<std::uint64_t>(most) + 1;
  return static_cast<std::int64_t>((bits * choices) >> 32) - most;
}

/// x += N(0, stddev²), in pieces that each have a stream.
template <class T>
void add_noise(const Kernels<T>& kernels, T* x, std::int64_t size, std::int64_t place,
               double stddev, std::uint64_t key) {
  constexpr std::int64_t kPiece = 256;
  alignas(64) T noise[kPiece];
  const std::int64_t pieces = (size + kPiece - 1) / kPiece;
  for (std::int64_t piece = 0; piece < pieces; ++piece) {
    const std::int64_t begin = piece * kPiece;
    const std::int64_t count = std::min(kPiece, size - begin);
    const auto stream = static_cast<std::uint64_t>(place * pieces + piece);
    kernels.random_normal(noise, count, {key, kAugment | stream}, 0.0, stddev);
    for (std::int64_t i = 0; i < count; ++i) x[begin + i] += noise[i];
  }
}

/// The picture moves down by `dy` and right by `dx`; what it leaves is filled. Rows are taken in
/// the order in which none is overwritten before it was read.
template <class T>
void shift(T* x, const Augmentation& step, std::int64_t dy, std::int64_t dx) {
  const std::int64_t H = step.height, width = step.width * step.channels;
  const T fill = static_cast<T>(step.fill);
  const std::int64_t by = dx * step.channels;
  for (std::int64_t i = 0; i < H; ++i) {
    const std::int64_t row = dy > 0 ? H - 1 - i : i;
    const std::int64_t source = row - dy;
    T* to = x + row * width;
    if (source < 0 || source >= H) {
      std::fill_n(to, width, fill);
      continue;
    }
    const T* from = x + source * width;
    const std::int64_t kept = width - std::abs(by);
    std::memmove(to + std::max<std::int64_t>(by, 0), from + std::max<std::int64_t>(-by, 0),
                 static_cast<std::size_t>(kept) * sizeof(T));
    std::fill_n(by >= 0 ? to : to + kept, width - kept, fill);
  }
}

template <class T>
void flip(T* x, const Augmentation& step, bool horizontal, bool vertical) {
  const std::int64_t H = step.height, W = step.width, C = step.channels;
  for (std::int64_t row = 0; vertical && row < H / 2; ++row) {
    std::swap_ranges(x + row * W * C, x + (row + 1) * W * C, x + (H - 1 - row) * W * C);
  }
  for (std::int64_t row = 0; horizontal && row < H; ++row) {
    T* line = x + row * W * C;
    for (std::int64_t i = 0; i < W / 2; ++i) {
      std::swap_ranges(line + i * C, line + (i + 1) * C, line + (W - 1 - i) * C);
    }
  }
}

/// As the layer does it in training.
template <class T>
void change(T* x, std::int64_t size, const Augmentation& step, const PhiloxBlock& bits) {
  const Image image{step.height, step.width, step.channels};
  double map[6];
  draw_map(map, step.how, image, image, bits);
  if (step.how.kind == RandomChange::Kind::contrast) {
    const ContrastOf<T> contrast(image, map[1], step.how.low[1], step.how.high[1]);
    for (std::int64_t c = 0; c < image.channels; ++c) contrast.change(x + c, x + c);
    return;
  }
  thread_local std::vector<T> before;
  before.assign(x, x + size);
  warp(x, before.data(), image, image, map, step.how.sampling, {0, 0, image.rows, image.columns});
}

}  // namespace

void require_augment(const std::vector<Augmentation>& steps, std::int64_t size) {
  for (const Augmentation& step : steps) {
    const bool picture = step.kind != Augmentation::Kind::noise;
    if (picture && step.height * step.width * step.channels != size) {
      throw std::invalid_argument("augment: pictures do not have the size of a sample");
    }
    if (step.rows < 0 || step.rows >= std::max<std::int64_t>(step.height, 1) || step.columns < 0 ||
        step.columns >= std::max<std::int64_t>(step.width, 1)) {
      throw std::invalid_argument("augment: a shift is as long as the picture");
    }
  }
}

template <class T>
void augment(const Kernels<T>& kernels, T* x, std::int64_t size, const Augmenting& with, Range rows,
             std::int64_t place) {
  for (std::size_t k = 0; k < with.steps.size(); ++k) {
    const Augmentation& step = with.steps[k];
    const std::uint64_t key = draw(with.epoch, kAugment | k, step.how.seed.value_or(with.seed));
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      T* sample = x + row * size;
      if (step.kind == Augmentation::Kind::noise) {
        add_noise(kernels, sample, size, place + row, step.stddev, key);
        continue;
      }
      if (step.kind == Augmentation::Kind::random) {
        change(sample, size, step,
               philox_of(static_cast<std::uint64_t>(place + row), {key, kAugment}));
        continue;
      }
      const std::uint64_t bits = draw(static_cast<std::uint64_t>(place + row), kAugment, key);
      if (step.kind == Augmentation::Kind::shift) {
        shift(sample, step, offset(static_cast<std::uint32_t>(bits), step.rows),
              offset(static_cast<std::uint32_t>(bits >> 32), step.columns));
      } else {
        flip(sample, step, step.horizontal && (bits & 1), step.vertical && (bits >> 32 & 1));
      }
    }
  }
}

template void augment<float>(const Kernels<float>&, float*, std::int64_t, const Augmenting&, Range,
                             std::int64_t);
template void augment<double>(const Kernels<double>&, double*, std::int64_t, const Augmenting&,
                              Range, std::int64_t);

}  // namespace mundur
