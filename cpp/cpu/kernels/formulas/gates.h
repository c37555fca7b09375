#pragma once

// The gates of recurrent layers: one time step of one register of units, and the same backward.

#include "cpu/kernels/formulas/activations.h"

namespace mundur::MUNDUR_ISA {
namespace {

/// z = (i, f, g, o) = (σ, σ, tanh, σ)(z); c = f·c + i·g; returns h = o·tanh(c).
template <class T>
MUNDUR_INLINE Vec<T> lstm_forward(Vec<T> (&z)[4], Vec<T>& c) {
  z[0] = sigmoid(z[0]);
  z[1] = sigmoid(z[1]);
  z[2] = tanh(z[2]);
  z[3] = sigmoid(z[3]);
  c = fma(z[1], c, z[0] * z[2]);
  return z[3] * tanh(c);
}
/// z = ∂L/∂z, dc = ∂L/∂c in front of the step.
template <class T>
MUNDUR_INLINE void lstm_back(Vec<T> (&z)[4], Vec<T>& dc, Vec<T> dh, Vec<T> c, Vec<T> c_before) {
  const auto [i, f, g, o] = z;
  const Vec<T> y = tanh(c);
  dc = dc + Tanh<T>::gradient(y, dh * o);
  z[0] = Sigmoid<T>::gradient(i, dc * g);
  z[1] = Sigmoid<T>::gradient(f, dc * c_before);
  z[2] = Tanh<T>::gradient(g, dc * i);
  z[3] = Sigmoid<T>::gradient(o, dh * y);
  dc = dc * f;
}

/// z = (u, r, n) = (σ(z_u), σ(z_r), tanh(z_n + r·q)); returns h = u·h + (1 - u)·n.
template <class T>
MUNDUR_INLINE Vec<T> gru_forward(Vec<T> (&z)[3], Vec<T> q, Vec<T> h) {
  z[0] = sigmoid(z[0]);
  z[1] = sigmoid(z[1]);
  z[2] = tanh(fma(z[1], q, z[2]));
  return fma(z[0], h - z[2], z[2]);
}
/// z = ∂L/∂z, q = ∂L/∂q, dh = what of it goes around the products.
template <class T>
MUNDUR_INLINE void gru_back(Vec<T> (&z)[3], Vec<T>& q, Vec<T>& dh, Vec<T> h) {
  const auto [u, r, n] = z;
  z[2] = Tanh<T>::gradient(n, fnma(dh, u, dh));
  z[0] = Sigmoid<T>::gradient(u, dh * (h - n));
  z[1] = Sigmoid<T>::gradient(r, z[2] * q);
  q = z[2] * r;
  dh = dh * u;
}

}  // namespace
}  // namespace mundur::MUNDUR_ISA
