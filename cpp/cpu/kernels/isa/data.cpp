// What happens to a batch between the caller's array and the first layer; and the functions by
// themselves.

#include "cpu/kernels/isa/functions.h"

namespace mundur::MUNDUR_ISA {
namespace {

MUNDUR_INLINE std::uint32_t is_not_finite(float a) {
  return (__builtin_bit_cast(std::uint32_t, a) & 0x7F800000u) == 0x7F800000u;
}
MUNDUR_INLINE std::uint64_t is_not_finite(double a) {
  constexpr std::uint64_t kExponent = 0x7FF0000000000000u;
  return (__builtin_bit_cast(std::uint64_t, a) & kExponent) == kExponent;
}

// Plain loops: compilers map these casts to the conversions of each instruction set, which all
// round correctly.

template <class T, class Source>
bool convert_whole(T* __restrict y, const void* from, i64 n) {
  const Source* __restrict x = static_cast<const Source*>(from);
  for (i64 i = 0; i < n; ++i) y[i] = static_cast<T>(x[i]);
  return true;
}

template <class T, class Source>
bool convert_real(T* __restrict y, const void* from, i64 n) {
  const Source* __restrict x = static_cast<const Source*>(from);
  auto bad = is_not_finite(T(0));
  for (i64 i = 0; i < n; ++i) {
    y[i] = static_cast<T>(x[i]);
    bad |= is_not_finite(y[i]);
  }
  return bad == 0;
}

template <class T>
bool convert_boolean(T* __restrict y, const void* from, i64 n) {
  const std::uint8_t* __restrict x = static_cast<const std::uint8_t*>(from);
  for (i64 i = 0; i < n; ++i) y[i] = x[i] ? T(1) : T(0);
  return true;
}

template <class T>
bool convert_half(T* y, const void* from, i64 n) {
  constexpr int kBlock = 64, kWidth = Vec<float>::kWidth;
  const std::uint16_t* x = static_cast<const std::uint16_t*>(from);
  bool finite = true;
  for (i64 i = 0; i < n; i += kBlock) {
    const int count = n - i < kBlock ? static_cast<int>(n - i) : kBlock;
    std::uint16_t half[kBlock] = {};
    float value[kBlock];
    __builtin_memcpy(half, x + i, static_cast<unsigned>(count) * sizeof(half[0]));
    for (int k = 0; k < kBlock; k += kWidth) store(value + k, load_half(half + k));
    finite &= convert_real<T, float>(y + i, value, count);
  }
  return finite;
}

template <class T>
bool convert(T* y, const void* x, i64 n, ElementType type) {
  switch (type) {
    case ElementType::boolean:
      return convert_boolean(y, x, n);
    case ElementType::int8:
      return convert_whole<T, std::int8_t>(y, x, n);
    case ElementType::uint8:
      return convert_whole<T, std::uint8_t>(y, x, n);
    case ElementType::int16:
      return convert_whole<T, std::int16_t>(y, x, n);
    case ElementType::uint16:
      return convert_whole<T, std::uint16_t>(y, x, n);
    case ElementType::int32:
      return convert_whole<T, std::int32_t>(y, x, n);
    case ElementType::uint32:
      return convert_whole<T, std::uint32_t>(y, x, n);
    case ElementType::int64:
      return convert_whole<T, std::int64_t>(y, x, n);
    case ElementType::uint64:
      return convert_whole<T, std::uint64_t>(y, x, n);
    case ElementType::float16:
      return convert_half(y, x, n);
    case ElementType::float32:
      return convert_real<T, float>(y, x, n);
    case ElementType::float64:
      return convert_real<T, double>(y, x, n);
  }
  return false;
}

template <class T>
void rescale(T* y, const T* x, i64 size, T scale, T offset) {
  for_each_vec<T>(size, [&](i64 i, int n) MUNDUR_BODY {
    store_up_to(y + i, fma(load_up_to(x + i, n), set<T>(scale), set<T>(offset)), n);
  });
}

template <class T, class F>
MUNDUR_INLINE void map(T* y, const T* x, i64 size, F f) {
  for_each_vec<T>(
      size, [&](i64 i, int n) MUNDUR_BODY { store_up_to(y + i, f(load_up_to(x + i, n)), n); });
}

template <class T>
void elementary(T* y, const T* x, i64 n, int function) {
  switch (function) {
    case 0:
      return map(y, x, n, [](Vec<T> a) MUNDUR_BODY { return exp(a); });
    case 1:
      return map(y, x, n, [](Vec<T> a) MUNDUR_BODY { return log(a); });
    case 2:
      return map(y, x, n, [](Vec<T> a) MUNDUR_BODY { return tanh(a); });
    case 3:
      return map(y, x, n, [](Vec<T> a) MUNDUR_BODY { return sigmoid(a); });
    case 4:
      return map(y, x, n, [](Vec<T> a) MUNDUR_BODY { return erf(a); });
    default:
      return;
  }
}

template <class T>
void fill_rows(Kernels<T>& table) {
  table.convert = convert<T>;
  table.rescale = rescale<T>;
  table.elementary = elementary<T>;
}

}  // namespace

void fill_data(Kernels<float>& table) { fill_rows(table); }
void fill_data(Kernels<double>& table) { fill_rows(table); }

}  // namespace mundur::MUNDUR_ISA
