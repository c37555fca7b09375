#pragma once

// What becomes of one image: the same for a layer and for augment=.

#include "cpu/kernels/philox.h"
#include "cpu/kernels/table.h"
#include "mundur/images.h"
#include "program/layer_operations.h"

namespace mundur {

/// 128 random bits, by a number within a stream.
inline PhiloxBlock philox_of(std::uint64_t counter, RandomKey key) {
  const auto low = [](std::uint64_t word) { return static_cast<std::uint32_t>(word); };
  return philox4x32_10({{low(counter), low(counter >> 32), low(key.stream), low(key.stream >> 32)}},
                       low(key.key), low(key.key >> 32));
}

/// The map of op::DrawMaps from 128 random bits.
void draw_map(double* map, const RandomChange& how, const Image& from, const Image& to,
              const PhiloxBlock& bits);

template <class T>
void warp(T* y, const T* x, const Image& to, const Image& from, const double* map, Sampling how,
          const Box& box);
template <class T>
void warp_backward(T* dx, const T* dy, const Image& to, const Image& from, const double* map,
                   Sampling how, const Box& box);
/// y may be x.
template <class T>
void contrast(T* y, const T* x, const Image& image, double factor, double least, double most);
template <class T>
void contrast_backward(T* dx, const T* dy, const T* x, const Image& image, double factor,
                       double least, double most);

}  // namespace mundur
