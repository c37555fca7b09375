// What happens to a batch between the caller's array and the first layer; and the functions by
// themselves.

#include "cpu/kernels/formulas/functions.h"

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
bool convert_from(T* __restrict y, const Source* __restrict x, i64 n) {
  constexpr bool kWhole = Source(0.5) == Source(0);
  auto bad = is_not_finite(T(0));
  for (i64 i = 0; i < n; ++i) {
    y[i] = static_cast<T>(x[i]);
    if constexpr (!kWhole) bad |= is_not_finite(y[i]);
  }
  return bad == 0;
}

template <class T>
bool convert_from(T* __restrict y, const Boolean* __restrict x, i64 n) {
  for (i64 i = 0; i < n; ++i) y[i] = x[i].byte ? T(1) : T(0);
  return true;
}

template <class T>
bool convert_from(T* y, const Half* x, i64 n) {
  constexpr int kBlock = 64, kWidth = Vec<float>::kWidth;
  bool finite = true;
  for (i64 i = 0; i < n; i += kBlock) {
    const int count = n - i < kBlock ? static_cast<int>(n - i) : kBlock;
    std::uint16_t half[kBlock] = {};
    float value[kBlock];
    __builtin_memcpy(half, x + i, static_cast<unsigned>(count) * sizeof(half[0]));
    for (int k = 0; k < kBlock; k += kWidth) store(value + k, load_half(half + k));
    finite &= convert_from(y + i, value, count);
  }
  return finite;
}

template <class T>
bool convert(T* y, const void* x, i64 n, ElementType type) {
#define MUNDUR_CASE(name, Type) \
  case ElementType::name:       \
    return convert_from(y, static_cast<const Type*>(x), n);
  switch (type) { MUNDUR_ELEMENTS(MUNDUR_CASE) }
#undef MUNDUR_CASE
  return false;
}

template <class T>
void gather(T* to, const T* from, const Pieces& pieces) {
  constexpr int kWidth = Vec<T>::kWidth;
  const auto& [rows, down, across, size] = pieces;
  // Most are small: their mask is made once.
  const i64 whole = size / kWidth * kWidth;
  const Mask<T> rest = first_n<T>(static_cast<int>(size - whole));
  for (i64 r = 0; r < rows.count; ++r) {
    for (i64 i = 0; i < down.count; ++i) {
      T* y = to + r * rows.to + i * down.to;
      const T* x = from + r * rows.from + i * down.from;
      for (i64 j = 0; j < across.count; ++j, y += across.to, x += across.from) {
        for (i64 n = 0; n < whole; n += kWidth) store(y + n, load(x + n));
        if (whole < size) store_masked(y + whole, load_masked(x + whole, rest), rest);
      }
    }
  }
}

template <class T>
void rescale(T* y, const T* x, i64 size, T scale, T offset) {
  map(y, size, [=](Vec<T> a) MUNDUR_BODY { return fma(a, scale, offset); }, x);
}

template <class T>
void elementary(T* y, const T* x, i64 n, int function) {
  switch (function) {
    case 0:
      return map(y, n, [](Vec<T> a) MUNDUR_BODY { return exp(a); }, x);
    case 1:
      return map(y, n, [](Vec<T> a) MUNDUR_BODY { return log(a); }, x);
    case 2:
      return map(y, n, [](Vec<T> a) MUNDUR_BODY { return tanh(a); }, x);
    case 3:
      return map(y, n, [](Vec<T> a) MUNDUR_BODY { return sigmoid(a); }, x);
    case 4:
      return map(y, n, [](Vec<T> a) MUNDUR_BODY { return erf(a); }, x);
    default:
      return;
  }
}

template <class T>
void fill_data_rows(Kernels<T>& table) {
  table.convert = convert<T>;
  table.gather = gather<T>;
  table.rescale = rescale<T>;
  table.elementary = elementary<T>;
}

}  // namespace

void fill_data(Kernels<float>& table) { fill_data_rows(table); }
void fill_data(Kernels<double>& table) { fill_data_rows(table); }

}  // namespace mundur::MUNDUR_ISA
