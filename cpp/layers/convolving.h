#pragma once

// A convolution from its other side: what Conv1D sends back, and Conv1DTranspose ahead.

#include <numeric>

#include "layers/layer.h"

namespace mundur {

/// x_sc = Σ_k Σ_o y_to W_kco + bias_c, t the step of y that sees step s of x with tap k; a step
/// that none sees is 0. One chain over (t, filter) for each element.
///
/// Of the taps, every `apart`-th leads from a step of y to a step s of x: s + P − kD = tS. So the
/// steps s, s + S, ... are windows over y from the other side, with those taps in reverse.
inline void convolve_back(Builder& b, Value x, Value y, Value w, Value bias, const Windows& windows,
                          std::int64_t groups) {
  const std::int64_t K = windows.taps, S = windows.stride, D = windows.dilation;
  const std::int64_t C = b[x].shape[1], O = b[y].shape[1];
  const std::int64_t apart = S / std::gcd(S, D), dilation = D / std::gcd(S, D);
  const bool gathers = dilation > 1 || groups > 1;
  if (K < apart || apart < S) b.emit(op::Zero{x});  // no tap may lead to a step
  for (std::int64_t s = 0; s < std::min(S, windows.in); ++s) {
    const auto from = [&](std::int64_t k) { return s + windows.before - k * D; };
    std::int64_t first = 0;
    while (first < K && from(first) % S != 0) ++first;
    if (first == K) continue;
    const std::int64_t taps = Windows::up(K - first, apart);
    const Windows back = {windows.out, Windows::up(windows.in - s, S),         taps, 1,
                          dilation,    (taps - 1) * dilation - from(first) / S};
    const Value turned = b.whole("turned", {taps, O / groups, C});
    b.emit(op::TurnKernel{turned, w, groups, first, apart});
    Value seen = y;
    if (gathers) {
      seen = b.value("seen_back", {back.out, taps * O}, y);
      b.emit(op::GatherWindows{seen, y, back, groups});
    }
    b.emit(op::Convolve{x, seen, turned, bias, back, groups, gathers, Function::linear, s, S});
  }
}

}  // namespace mundur
