#pragma once

// Convolutions, and each from its other side: what it sends back, and a transposed one ahead.

#include <numeric>
#include <optional>

#include "layers/layer.h"

namespace mundur {

/// Whether a product of what windows see, so many numbers, is rounded where that is asked for:
/// below this much work, measured, it takes longer than it saves.
inline bool rounding_pays(std::int64_t seen, std::int64_t filters, std::int64_t groups) {
  constexpr std::int64_t kFilters = 32, kWork = 1536;
  return groups == 1 && filters >= kFilters && seen * filters >= kWork;
}

/// Windows over y from the other side: of the steps s, s + S, ... of x, those of y that see them.
struct BackWindows {
  Windows windows;
  std::int64_t first, apart;  // the taps that lead to them: first, first + apart, ..., in reverse
};
/// Of the taps, every `apart`-th leads from a step of y to a step s of x: s + P − kD = tS. None
/// where no tap leads there.
inline std::optional<BackWindows> back_windows(const Windows& windows, std::int64_t s) {
  const std::int64_t K = windows.taps, S = windows.stride, D = windows.dilation;
  const std::int64_t apart = S / std::gcd(S, D), dilation = D / std::gcd(S, D);
  const auto from = [&](std::int64_t k) { return s + windows.before - k * D; };
  std::int64_t first = 0;
  while (first < K && from(first) % S != 0) ++first;
  if (first == K) return std::nullopt;
  const std::int64_t taps = Windows::up(K - first, apart);
  return BackWindows{{windows.out, Windows::up(windows.in - s, S), taps, 1, dilation,
                      (taps - 1) * dilation - from(first) / S},
                     first,
                     apart};
}
/// Whether there are steps to which no tap may lead.
inline bool has_gaps(const Windows& windows) {
  const std::int64_t apart = windows.stride / std::gcd(windows.stride, windows.dilation);
  return windows.taps < apart || apart < windows.stride;
}

/// Steps that no tap may lead to are not part of what is made for the others.
inline void fill_gaps(Builder& b, Value x, Value bias) {
  bias ? b.emit(op::Repeat{x, bias}) : b.emit(op::Zero{x});
}

/// x_sc = Σ_k Σ_o y_to W_kco + bias_c, t the step of y that sees step s of x with tap k; a step
/// that none sees is bias_c. One chain over (t, filter) for each element.
inline void convolve_back(Builder& b, Value x, Value y, Value w, Value bias, const Windows& windows,
                          std::int64_t groups) {
  const std::int64_t C = b[x].shape[1], O = b[y].shape[1];
  if (has_gaps(windows)) fill_gaps(b, x, bias);
  for (std::int64_t s = 0; s < std::min(windows.stride, windows.in); ++s) {
    const std::optional<BackWindows> found = back_windows(windows, s);
    if (!found) continue;
    const Windows& back = found->windows;
    const Value turned = b.whole("turned", {back.taps, O / groups, C});
    b.emit(op::TurnKernel{turned, w, groups, found->first, found->apart});
    const bool gathers = back.dilation > 1 || groups > 1;
    Value seen = y;
    if (gathers) {
      seen = b.value("seen_back", {back.out, back.taps * O}, y);
      b.emit(op::GatherWindows{seen, y, back, groups});
    }
    b.emit(op::Convolve{x, seen, turned, bias, back, groups, gathers, Function::linear, s,
                        windows.stride});
  }
}

/// The same of images: one chain over (row, column, filter).
inline void convolve_back(Builder& b, Value x, Value y, Value w, Value bias,
                          const Windows2D& windows, std::int64_t groups) {
  const std::int64_t C = b[x].shape.back(), O = b[y].shape.back();
  const Windows &rows = windows.rows, &columns = windows.columns;
  if (has_gaps(rows) || has_gaps(columns)) fill_gaps(b, x, bias);
  for (std::int64_t r = 0; r < std::min(rows.stride, rows.in); ++r) {
    for (std::int64_t s = 0; s < std::min(columns.stride, columns.in); ++s) {
      const std::optional<BackWindows> above = back_windows(rows, r),
                                       beside = back_windows(columns, s);
      if (!above || !beside) continue;
      const Windows2D back{above->windows, beside->windows};
      const Value turned = b.whole("turned", {back.rows.taps, back.columns.taps, O / groups, C});
      b.emit(op::TurnKernel{
          turned, w, groups, beside->first, beside->apart, {above->first, above->apart}});
      b.emit(op::Convolve2D{x,
                            y,
                            turned,
                            bias,
                            back,
                            groups,
                            Function::linear,
                            {r, rows.stride},
                            {s, columns.stride}});
    }
  }
}

/// z_rto = Σ_j Σ_k Σ_c x_(rS − P + jD, tS − P + kD)c W_jkco + b_o of images, or of sequences, each
/// of which is an image of one row; and back:
/// ∂L/∂x_uvc = Σ_jk Σ_o δ_rto W_jkco, (r, t) the place that sees (u, v) with tap (j, k)
/// ∂L/∂W_jkco = Σ_b Σ_rt x_(rS − P + jD, tS − P + kD)c δ_rto        ∂L/∂b_o = Σ_b Σ_rt δ_rto
inline Value convolve(Builder& b, Value x, Value w, Value bias, const Windows2D& windows,
                      std::int64_t filters, std::int64_t groups) {
  Shape made = {windows.columns.out, filters};
  if (b[x].shape.size() == 3) made.insert(made.begin(), windows.rows.out);
  const Value z = b.value("z", std::move(made), x);
  b.emit(op::Convolve2D{z, x, w, bias, windows, groups});
  b.backward(z, {x, w, bias}, [=, &b](Value delta) {
    const Value dx = b.like("dx", x);
    convolve_back(b, dx, delta, w, {}, windows, groups);
    b.gradient(x, dx);
    const Value dw = b.whole("dw", b[w].shape);
    b.emit(op::Convolve2DDw{dw, x, delta, windows, groups});
    b.gradient(w, dw);
    if (bias) b.gradient(bias, b.sum_rows(delta, bias));
  });
  return z;
}

}  // namespace mundur
