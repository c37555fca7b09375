#include "cpu/gather.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "mundur/runtime.h"

namespace mundur {
namespace {

/// Where element number i of a sample lies.
const std::byte* element_at(const ArrayView& x, const std::byte* sample, std::int64_t i) {
  for (std::size_t axis = x.sample.size(); axis-- > 0;) {
    sample += i % x.sample[axis] * x.strides[axis];
    i /= x.sample[axis];
  }
  return sample;
}

/// A sample whose elements do not lie together, piece by piece: raw elements are brought together,
/// then converted.
template <class T>
bool gather_scattered(const Kernels<T>& kernels, T* out, const ArrayView& x,
                      const std::byte* sample) {
  constexpr std::int64_t kPiece = 256;
  alignas(64) std::byte piece[kPiece * 8];
  const auto item = static_cast<std::size_t>(bytes_of(x.type));
  const std::int64_t size = x.sample_size();
  bool finite = true;
  for (std::int64_t begin = 0; begin < size; begin += kPiece) {
    const std::int64_t count = std::min(kPiece, size - begin);
    for (std::int64_t i = 0; i < count; ++i) {
      std::memcpy(piece + static_cast<std::size_t>(i) * item, element_at(x, sample, begin + i),
                  item);
    }
    finite &= kernels.convert(out + begin, piece, count, x.type);
  }
  return finite;
}

}  // namespace

std::int64_t bytes_of(ElementType type) {
#define MUNDUR_SIZE(name, Type) sizeof(Type),
  constexpr std::int64_t kBytes[] = {MUNDUR_ELEMENTS(MUNDUR_SIZE)};
#undef MUNDUR_SIZE
  return kBytes[static_cast<int>(type)];
}

template <class T>
bool gather(const Kernels<T>& kernels, T* out, const ArrayView& x, const std::int64_t* order,
            std::int64_t begin, Range rows) {
  const std::int64_t size = x.sample_size();
  if (!order && x.contiguous && x.stride == size * bytes_of(x.type)) {
    return kernels.convert(out + rows.begin * size, x.data + (begin + rows.begin) * x.stride,
                           rows.size() * size, x.type);
  }
  bool finite = true;
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const std::int64_t index = order ? order[begin + row] : begin + row;
    const std::byte* sample = x.data + index * x.stride;
    finite &= x.contiguous ? kernels.convert(out + row * size, sample, size, x.type)
                           : gather_scattered(kernels, out + row * size, x, sample);
  }
  return finite;
}

void pack(std::byte* out, const ArrayView& x, Range rows) {
  const std::int64_t size = x.sample_size();
  const auto item = static_cast<std::size_t>(bytes_of(x.type));
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const std::byte* const sample = x.data + row * x.stride;
    if (x.contiguous) {
      std::memcpy(out, sample, static_cast<std::size_t>(size) * item);
      out += static_cast<std::size_t>(size) * item;
      continue;
    }
    for (std::int64_t i = 0; i < size; ++i, out += item) {
      std::memcpy(out, element_at(x, sample, i), item);
    }
  }
}

namespace {

template <class Id>
Id number(Id element) {
  return element;
}
std::uint8_t number(Boolean boolean) { return boolean.byte; }
float number(Half half) {
  const int exponent = half.bits >> 10 & 31;
  const int fraction = half.bits & 1023;
  const float size = exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                                   : std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
  if (exponent == 31) return std::numeric_limits<float>::infinity();
  return (half.bits & 0x8000) != 0 ? -size : size;
}

template <class Element>
bool ids_of_sample(std::int32_t* out, const ArrayView& x, const std::byte* sample,
                   std::int64_t vocabulary) {
  const std::int64_t size = x.sample_size();
  bool known = true;
  for (std::int64_t i = 0; i < size; ++i) {
    Element read;
    const auto at = i * static_cast<std::int64_t>(sizeof read);
    std::memcpy(&read, x.contiguous ? sample + at : element_at(x, sample, i), sizeof read);
    const auto id = number(read);
    using Id = std::remove_const_t<decltype(id)>;
    bool is_id = id >= Id{0};  // a NaN is not
    if constexpr (std::is_floating_point_v<Id>) {
      is_id = is_id && id < static_cast<Id>(vocabulary) && std::trunc(id) == id;
    } else {
      is_id = is_id && static_cast<std::uint64_t>(id) < static_cast<std::uint64_t>(vocabulary);
    }
    out[i] = is_id ? static_cast<std::int32_t>(id) : 0;
    known &= is_id;
  }
  return known;
}

using IdsOfSample = bool (*)(std::int32_t*, const ArrayView&, const std::byte*, std::int64_t);

IdsOfSample ids_of(ElementType type) {
#define MUNDUR_IDS(name, Type) ids_of_sample<Type>,
  constexpr IdsOfSample kIds[] = {MUNDUR_ELEMENTS(MUNDUR_IDS)};
#undef MUNDUR_IDS
  return kIds[static_cast<int>(type)];
}

}  // namespace

bool gather_ids(std::int32_t* out, const ArrayView& x, const std::int64_t* order,
                std::int64_t begin, Range rows, std::int64_t vocabulary) {
  const IdsOfSample convert = ids_of(x.type);
  const std::int64_t size = x.sample_size();
  bool known = true;
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const std::int64_t index = order ? order[begin + row] : begin + row;
    known &= convert(out + row * size, x, x.data + index * x.stride, vocabulary);
  }
  return known;
}

std::optional<std::pair<std::int64_t, std::int64_t>> first_nonfinite(const ArrayView& x) {
  const Kernels<double>& table = kernels<double>();
  constexpr std::int64_t kElements = 4096;  // at a time
  const std::int64_t size = x.sample_size();
  const std::int64_t most = std::max<std::int64_t>(1, kElements / std::max<std::int64_t>(1, size));
  std::vector<double> samples(static_cast<std::size_t>(most * size));
  for (std::int64_t i = 0; i < x.n; i += most) {
    const std::int64_t count = std::min(most, x.n - i);
    if (gather(table, samples.data(), x, nullptr, i, {0, count})) continue;
    for (std::int64_t j = 0; j < count * size; ++j) {
      const double value = samples[static_cast<std::size_t>(j)];
      if (!(value - value == 0.0)) return std::pair{i + j / size, j % size};
    }
  }
  return std::nullopt;
}

template bool gather<float>(const Kernels<float>&, float*, const ArrayView&, const std::int64_t*,
                            std::int64_t, Range);
template bool gather<double>(const Kernels<double>&, double*, const ArrayView&, const std::int64_t*,
                             std::int64_t, Range);

}  // namespace mundur
