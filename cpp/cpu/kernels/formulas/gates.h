#pragma once

// The gates of recurrent layers: one time step of one register of units, and the same backward.

#include "cpu/kernels/formulas/activations.h"
#include "cpu/kernels/formulas/curves.h"

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

// ---- any functions: z is kept, and what they made of it is made again -----------------------

/// f(z). A call, since who asks for other functions has time.
template <class T>
MUNDUR_DEVICE __attribute__((noinline)) Vec<T> gate(const Gate<T>& f, Vec<T> z) {
  Vec<T> y = z;
  if (f.is_curve) {
    with_curve<T>(f.curve, [&](auto one) { y = decltype(one)::value(z, f.parameters); });
  } else {
    with_function<T>(f.function, [&](auto one) { y = decltype(one)::value(z); });
  }
  return y;
}
/// dy · f'(z), y = f(z).
template <class T>
MUNDUR_DEVICE __attribute__((noinline)) Vec<T> gate_back(const Gate<T>& f, Vec<T> z, Vec<T> y,
                                                         Vec<T> dy) {
  Vec<T> dz = dy;
  if (f.is_curve) {
    with_curve<T>(f.curve, [&](auto one) { dz = dy * decltype(one)::slope(z, f.parameters); });
  } else {
    with_function<T>(f.function, [&](auto one) { dz = decltype(one)::gradient(y, dy); });
  }
  return dz;
}

/// The struct of a cell: forward(z, q, c, h) returns h; backward(z, q, dc, dh, c, c_before, h)
/// leaves ∂L/∂z, ∂L/∂q and what goes around the products.
template <class T>
struct AnySimpleRnn {
  static constexpr int kGates = 1;
  static MUNDUR_DEVICE Vec<T> forward(const Gates<T>& by, const Vec<T> (&z)[1], Vec<T>, Vec<T>&,
                                      Vec<T>) {
    return gate(by.f, z[0]);
  }
  static MUNDUR_DEVICE void backward(const Gates<T>& by, Vec<T> (&z)[1], Vec<T>&, Vec<T>&,
                                     Vec<T>& dh, Vec<T>, Vec<T>, Vec<T>) {
    z[0] = gate_back(by.f, z[0], gate(by.f, z[0]), dh);
    dh = T(0);
  }
};
template <class T>
struct AnyLstm {
  static constexpr int kGates = 4;
  static MUNDUR_DEVICE Vec<T> forward(const Gates<T>& by, const Vec<T> (&z)[4], Vec<T>, Vec<T>& c,
                                      Vec<T>) {
    c = fma(gate(by.g, z[1]), c, gate(by.g, z[0]) * gate(by.f, z[2]));
    return gate(by.g, z[3]) * gate(by.f, c);
  }
  static MUNDUR_DEVICE void backward(const Gates<T>& by, Vec<T> (&z)[4], Vec<T>&, Vec<T>& dc,
                                     Vec<T>& dh, Vec<T> c, Vec<T> c_before, Vec<T>) {
    const Vec<T> i = gate(by.g, z[0]), f = gate(by.g, z[1]), n = gate(by.f, z[2]),
                 o = gate(by.g, z[3]), y = gate(by.f, c);
    dc = dc + gate_back(by.f, c, y, dh * o);
    z[0] = gate_back(by.g, z[0], i, dc * n);
    z[1] = gate_back(by.g, z[1], f, dc * c_before);
    z[2] = gate_back(by.f, z[2], n, dc * i);
    z[3] = gate_back(by.g, z[3], o, dh * y);
    dc = dc * f;
    dh = T(0);
  }
};
template <class T>
struct AnyGru {
  static constexpr int kGates = 3;
  static MUNDUR_DEVICE Vec<T> forward(const Gates<T>& by, const Vec<T> (&z)[3], Vec<T> q, Vec<T>&,
                                      Vec<T> h) {
    const Vec<T> n = gate(by.f, fma(gate(by.g, z[1]), q, z[2]));
    return fma(gate(by.g, z[0]), h - n, n);
  }
  static MUNDUR_DEVICE void backward(const Gates<T>& by, Vec<T> (&z)[3], Vec<T>& q, Vec<T>&,
                                     Vec<T>& dh, Vec<T>, Vec<T>, Vec<T> h) {
    const Vec<T> u = gate(by.g, z[0]), r = gate(by.g, z[1]), inner = fma(r, q, z[2]),
                 n = gate(by.f, inner);
    z[2] = gate_back(by.f, inner, n, fnma(dh, u, dh));
    z[0] = gate_back(by.g, z[0], u, dh * (h - n));
    z[1] = gate_back(by.g, z[1], r, z[2] * q);
    q = z[2] * r;
    dh = dh * u;
  }
};
template <class T>
struct AnyGruBefore {
  static constexpr int kGates = 3;
  static MUNDUR_DEVICE Vec<T> forward(const Gates<T>& by, const Vec<T> (&z)[3], Vec<T>, Vec<T>&,
                                      Vec<T> h) {
    const Vec<T> n = gate(by.f, z[2]);
    return fma(gate(by.g, z[0]), h - n, n);
  }
  static MUNDUR_DEVICE void backward(const Gates<T>& by, Vec<T> (&z)[3], Vec<T>&, Vec<T>&,
                                     Vec<T>& dh, Vec<T>, Vec<T>, Vec<T> h) {
    const Vec<T> u = gate(by.g, z[0]), n = gate(by.f, z[2]);
    z[2] = gate_back(by.f, z[2], n, fnma(dh, u, dh));
    z[0] = gate_back(by.g, z[0], u, dh * (h - n));
    dh = dh * u;
  }
};

}  // namespace
}  // namespace mundur::MUNDUR_ISA
