#pragma once

// A float16 becomes a float where no instruction does it. Included by vec_NAME.h only.

namespace mundur::MUNDUR_ISA {
namespace {

/// Shifted into place a half's exponent is short by 112, which one exact product mends for
/// subnormals too.
MUNDUR_INLINE float half_to_float(std::uint16_t half) {
  const std::uint32_t magnitude = static_cast<std::uint32_t>(half & 0x7FFF) << 13;
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000) << 16;
  const float mended = __builtin_bit_cast(float, magnitude) * 0x1p112f;
  const std::uint32_t finite = __builtin_bit_cast(std::uint32_t, mended);
  const std::uint32_t found = magnitude >= 0x0F800000u ? magnitude | 0x7F800000u : finite;
  return __builtin_bit_cast(float, sign | found);
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA
