// Conv1D: y_t = f(Σ_k x_(tS − P + kD)·W_k + b), over the taps k whose step is there: S the stride,
// D the dilation, P steps of padding, which are left out of the sums.
//
// What a step sees lies side by side in x if D = 1, so the steps of a sample are the rows of one
// product, rows that overlap: nothing is copied. With D > 1 or groups what they see is copied
// together first, group by group, each of which has its own channels and filters. Steps at the
// edges see with fewer taps: step by step they are the rows, over the samples, of a product with a
// part of the kernel.
//
// The order of sums, besides what products promise. y: one chain over (k, channel). dx, where S = D
// = 1 without groups: one chain over (t, filter); else, for each tap from the first, a chain over
// the filters, added. dW: as Dense's on the same rows, if they lie evenly in memory (a kernel of
// one tap) or were copied and none is at an edge; else the chains of each sample's (or, for fewer
// than 64 whole steps and fewer of them than samples, each step's) pieces of 256 rows, added in
// their order, those of the edges last.

#include <algorithm>
#include <cstring>

#include "layers/layers.h"
#include "layers/windows.h"
#include "mundur/memory.h"

namespace mundur {
namespace {

/// Rows of a product with one range of taps: steps of a sample, or one step of several samples.
struct Run {
  std::int64_t sample, step, rows;
  bool over_samples;
  Range taps;
};

/// Where the rows of a product lie: what step t of sample n sees begins at p + n·sample + t·step -
/// before; with padding, the first taps of the first steps would lie in front of the sample.
template <class T>
struct Rows {
  const T* p;
  std::int64_t sample, step;
  std::int64_t before = 0;
  /// From its element `from` on, which is there.
  const T* at(const Run& run, std::int64_t from) const {
    return p + (run.sample * sample + run.step * step + from - before);
  }
  std::int64_t ld(const Run& run) const { return run.over_samples ? sample : step; }
};

/// Calls f(run) for the runs that make up a part. `even`: samples follow each other as steps do.
template <class F>
void each_run(const Windows& windows, const Part& part, bool even, F f) {
  constexpr std::int64_t kLong = 64;
  if (part.empty()) return;
  const std::int64_t samples = part.samples.size(), begin = part.samples.begin;
  const Range all{0, windows.taps};
  const Range whole = windows.whole();
  const std::int64_t first = std::clamp(whole.begin, part.steps.begin, part.steps.end);
  const std::int64_t last = std::clamp(whole.end, first, part.steps.end);
  const std::int64_t steps = last - first;
  if (even && steps == windows.out) {
    f(Run{begin, 0, samples * steps, false, all});
  } else if (steps >= std::min(samples, kLong)) {
    for (std::int64_t n = 0; n < samples; ++n) f(Run{begin + n, first, steps, false, all});
  } else {
    for (std::int64_t t = first; t < last; ++t) f(Run{begin, t, samples, true, all});
  }
  for (std::int64_t t = part.steps.begin; t < part.steps.end; ++t) {
    if (t < first || t >= last) f(Run{begin, t, samples, true, windows.taps_of(t)});
  }
}

template <class T>
class Conv1D final : public Layer<T> {
 public:
  explicit Conv1D(const Conv1DSpec& spec)
      : spec_(spec), O_(spec.filters), K_(spec.kernel_size), G_(spec.groups), f_(spec.activation) {
    if (O_ < 1) {
      throw std::invalid_argument("filters: expected at least 1, got " + std::to_string(O_));
    }
    if (G_ < 1 || O_ % G_ != 0) {
      throw std::invalid_argument("groups: expected a divisor of the filters, got " +
                                  std::to_string(G_));
    }
    own_O_ = O_ / G_;
  }

  Shape build(const Shape& input, int) override {
    require_steps(input, "Conv1D");
    C_ = input[1];
    if (C_ % G_ != 0) {
      throw std::invalid_argument("groups: expected a divisor of the channels, got " +
                                  std::to_string(G_));
    }
    own_C_ = C_ / G_;
    windows_ = windows_of(input[0], K_, spec_.strides, spec_.dilation_rate, spec_.padding);
    // Gradients slide over δ from the other side, with the taps in reverse.
    back_ = {windows_.out, windows_.in, K_, 1, 1, K_ - 1 - windows_.before};
    return {windows_.out, O_};
  }

  std::vector<Parameter<T>> parameters() const override {
    std::vector<Parameter<T>> all = {{"kernel", {K_, own_C_, O_}}};
    if (spec_.use_bias) all.push_back({"bias", {O_}});
    return all;
  }
  void bind(Parameter<T>* parameters) override {
    w_ = &parameters[0];
    b_ = spec_.use_bias ? &parameters[1] : nullptr;
  }

  MaskFlow mask_flow() const override { return MaskFlow::ends; }
  Activation head() const override { return f_.activation(); }
  void add_custom(std::vector<CustomFunction*>& all) const override {
    if (f_.custom()) all.push_back(f_.custom());
  }
  bool joins_below() const override { return true; }

  std::int64_t saved_bytes(std::int64_t batch, bool training) const override {
    return places(batch, training).end;
  }

  // z_to = Σ_k Σ_c x_(tS − P + kD)c W_kco + b_o        y_to = f(z_to)
  void forward(const Pass<T>& pass, const Saved<T>& saved) const override {
    const Part part = part_of(pass, windows_.out);
    if (copies()) gather(pass, saved, part);
    const Rows<T> x = rows_of(pass, saved);
    T* const z = f_.keeps_z() ? z_of(saved) : saved.y;
    each_run(windows_, part, is_even(x), [&](const Run& run) {
      const std::int64_t depth = run.taps.size() * own_C_;
      const std::int64_t tap = run.taps.begin * own_C_;
      T* const rows = z + (run.sample * windows_.out + run.step) * O_;
      for (std::int64_t g = 0; g < G_; ++g) {
        const std::int64_t o = g * own_O_;
        pass.kernels.product(rows + o, x.at(run, g * K_ * own_C_ + tap), w_->value + tap * O_ + o,
                             b_ ? b_->value + o : nullptr, run.rows, own_O_, depth,
                             run.over_samples ? windows_.out * O_ : O_, x.ld(run), O_,
                             elementwise(head()), uses_lanes(depth, own_O_), pass.scratch);
      }
    });
    activate(pass, saved, z, part);
  }

  // δ_to = f'(z_to) ∂L/∂y_to
  // ∂L/∂x_sc = Σ_k Σ_o δ_to W_kco, t the step that sees s with tap k
  // ∂L/∂W_kco = Σ_b Σ_t x_(tS − P + kD)c δ_to        ∂L/∂b_o = Σ_b Σ_t δ_to
  void backward(const Pass<T>& pass, T* dx, T* dy, const Saved<T>& saved,
                const Seam& seam) const override {
    const std::int64_t rows = pass.batch * windows_.out;
    const bool activates = !seam.at_logits && head() != Activation::linear;
    if (dx && slides()) turn_kernel(pass, saved);
    if (activates) {
      f_.backward(pass, dy, f_.keeps_z() ? z_of(saved) : nullptr, saved.y, dy, rows, O_);
    }
    if (activates || (dx && slides())) pass.worker.barrier();
    const T* delta = dy;
    if (dx) {
      const Part part = slides() ? part_of(pass, windows_.in)
                                 : Part{share(pass.batch, 1, pass.worker), {0, windows_.in}};
      if (slides()) {
        input_gradient(pass, dx, delta, saved, part);
      } else {
        input_gradient_by_taps(pass, dx, delta, saved, part.samples);
        if (pass.update) pass.worker.barrier();  // W changes next
      }
      slope_below(pass, dx, saved.x, part, elementwise(seam.below));
    }
    if (w_->trainable) kernel_gradient(pass, delta, rows_of(pass, saved));
    if (b_ && b_->trainable) bias_gradient(pass, delta, rows);
  }

 private:
  static constexpr const char* kWhat = "the workspace of one batch";

  /// Whether dx is a convolution of δ.
  bool slides() const { return spec_.strides == 1 && !copies(); }
  /// Whether what the steps see is copied together.
  bool copies() const { return spec_.dilation_rate > 1 || G_ > 1; }

  // ---- memory

  /// Where in `extra` things lie: z; what the steps see, if copied; for dx, the kernel turned
  /// around, or what one tap gives.
  struct Places {
    std::int64_t seen, back, end;
  };
  Places places(std::int64_t batch, bool training) const {
    const auto bytes = [](std::int64_t count, std::int64_t size) {
      constexpr std::int64_t kLine = 64;
      const std::int64_t exact = checked_product(checked_product(count, size, kWhat),
                                                 static_cast<std::int64_t>(sizeof(T)), kWhat);
      return checked_sum(exact, kLine - 1, kWhat) / kLine * kLine;
    };
    const std::int64_t rows = checked_product(batch, windows_.out, kWhat);
    Places at{};
    at.seen = f_.keeps_z() ? bytes(rows, O_) : 0;
    at.back = checked_sum(at.seen, copies() ? bytes(rows, K_ * C_) : 0, kWhat);
    const std::int64_t back = slides() ? bytes(K_ * O_, C_) : bytes(rows, C_);
    at.end = checked_sum(at.back, training ? back : 0, kWhat);
    return at;
  }
  static T* z_of(const Saved<T>& saved) { return reinterpret_cast<T*>(saved.extra); }
  T* seen_of(const Pass<T>& pass, const Saved<T>& saved) const {
    return reinterpret_cast<T*>(saved.extra + places(pass.batch, false).seen);
  }
  T* back_of(const Pass<T>& pass, const Saved<T>& saved) const {
    return reinterpret_cast<T*>(saved.extra + places(pass.batch, false).back);
  }

  /// What the steps see.
  Rows<T> rows_of(const Pass<T>& pass, const Saved<T>& saved) const {
    if (copies()) return {seen_of(pass, saved), windows_.out * K_ * C_, K_ * C_};
    return {saved.x, windows_.in * C_, spec_.strides * C_, windows_.before * C_};
  }
  bool is_even(const Rows<T>& rows) const { return rows.sample == windows_.out * rows.step; }

  // ---- forward

  void gather(const Pass<T>& pass, const Saved<T>& saved, const Part& part) const {
    T* const seen = seen_of(pass, saved);
    for (std::int64_t n = part.samples.begin; n < part.samples.end; ++n) {
      for (std::int64_t t = part.steps.begin; t < part.steps.end; ++t) {
        const Range taps = windows_.taps_of(t);
        for (std::int64_t k = taps.begin; k < taps.end; ++k) {
          const std::int64_t from = windows_.first(t) + k * windows_.dilation;
          const T* x = saved.x + (n * windows_.in + from) * C_;
          T* to = seen + ((n * windows_.out + t) * K_ * G_ + k) * own_C_;
          for (std::int64_t g = 0; g < G_; ++g, x += own_C_, to += K_ * own_C_) {
            std::memcpy(to, x, static_cast<std::size_t>(own_C_) * sizeof(T));
          }
        }
      }
    }
  }

  /// What a product leaves of an activation.
  void activate(const Pass<T>& pass, const Saved<T>& saved, const T* z, const Part& part) const {
    if (f_.custom()) {
      pass.worker.barrier();
      f_.forward(pass, saved.y, z, pass.batch * windows_.out, O_);
    } else if (f_.by_rows() || f_.keeps_z()) {
      for (std::int64_t n = part.samples.begin; n < part.samples.end; ++n) {
        const std::int64_t at = (n * windows_.out + part.steps.begin) * O_;
        const std::int64_t rows = part.steps.size();
        if (f_.by_rows()) {
          f_.rows(pass.kernels, saved.y + at, z + at, rows, O_);
        } else {
          f_.elements(pass.kernels, saved.y + at, z + at, rows * O_);
        }
      }
    }
  }

  // ---- backward

  /// W'_joc = W_(K-1-j)co, by all workers.
  void turn_kernel(const Pass<T>& pass, const Saved<T>& saved) const {
    constexpr std::int64_t kBlock = 16;  // channels, so that the lines read are used whole
    T* const turned = back_of(pass, saved);
    const Range rows = share(K_ * O_, kBlock, pass.worker);
    for (std::int64_t c = 0; c < C_; c += kBlock) {
      const std::int64_t end = std::min(c + kBlock, C_);
      for (std::int64_t row = rows.begin; row < rows.end; ++row) {
        const T* from = w_->value + (K_ - 1 - row / O_) * C_ * O_ + row % O_;
        for (std::int64_t at = c; at < end; ++at) turned[row * C_ + at] = from[at * O_];
      }
    }
  }

  void input_gradient(const Pass<T>& pass, T* dx, const T* delta, const Saved<T>& saved,
                      const Part& part) const {
    const Rows<T> rows{delta, back_.in * O_, O_, back_.before * O_};
    const T* const turned = back_of(pass, saved);
    each_run(back_, part, back_.in == back_.out, [&](const Run& run) {
      const std::int64_t depth = run.taps.size() * O_;
      pass.kernels.product(dx + (run.sample * back_.out + run.step) * C_,
                           rows.at(run, run.taps.begin * O_), turned + run.taps.begin * O_ * C_,
                           nullptr, run.rows, C_, depth, run.over_samples ? back_.out * C_ : C_,
                           rows.ld(run), C_, Function::linear, uses_lanes(depth, C_), pass.scratch);
    });
  }

  void input_gradient_by_taps(const Pass<T>& pass, T* dx, const T* delta, const Saved<T>& saved,
                              const Range& samples) const {
    if (samples.empty()) return;
    std::fill(dx + samples.begin * windows_.in * C_, dx + samples.end * windows_.in * C_, T{0});
    const std::int64_t row = samples.begin * windows_.out;
    T* const part = back_of(pass, saved) + row * C_;
    for (std::int64_t k = 0; k < K_; ++k) {
      for (std::int64_t g = 0; g < G_; ++g) {
        const std::int64_t o = g * own_O_;
        pass.kernels.product_dx(part + g * own_C_, delta + row * O_ + o,
                                w_->value + k * own_C_ * O_ + o, samples.size() * windows_.out,
                                own_C_, own_O_, C_, O_, O_, uses_lanes(own_O_, own_C_),
                                pass.scratch);
      }
      for (std::int64_t n = samples.begin; n < samples.end; ++n) {
        for (std::int64_t t = 0; t < windows_.out; ++t) {
          const std::int64_t to = windows_.first(t) + k * windows_.dilation;
          if (to < 0 || to >= windows_.in) continue;
          T* const sum = dx + (n * windows_.in + to) * C_;
          pass.kernels.add(sum, sum, part + ((n - samples.begin) * windows_.out + t) * C_, C_);
        }
      }
    }
  }

  /// On to ∂L/∂z of x = f(z), while dx is in the cache.
  void slope_below(const Pass<T>& pass, T* dx, const T* x, const Part& part, Function f) const {
    if (f == Function::linear) return;
    for (std::int64_t n = part.samples.begin; n < part.samples.end; ++n) {
      const std::int64_t at = (n * windows_.in + part.steps.begin) * C_;
      pass.kernels.activation_backward(dx + at, x + at, dx + at, part.steps.size() * C_, f);
    }
  }

  /// Strip by strip, so that what all runs add to stays in the cache.
  void kernel_gradient(const Pass<T>& pass, const T* delta, const Rows<T>& x) const {
    constexpr std::int64_t kElements = 1 << 16;
    const Block part = own(K_ * own_C_, kParameterRows, O_, pass.kernels.column_grain, pass.worker);
    if (part.empty()) return;
    const std::int64_t columns = part.columns.size();
    const std::int64_t strip =
        std::max<std::int64_t>(64, kElements / columns / kParameterRows * kParameterRows);
    for (std::int64_t row = part.rows.begin; row < part.rows.end; row += strip) {
      const Block block{{row, std::min(row + strip, part.rows.end)}, part.columns};
      for (std::int64_t g = 0; g < G_; ++g) {
        const Range filters{std::max(block.columns.begin, g * own_O_),
                            std::min(block.columns.end, (g + 1) * own_O_)};
        const Rows<T> own_x{x.p + g * K_ * own_C_, x.sample, x.step, x.before};
        if (!filters.empty()) add_up(pass, delta + filters.begin, own_x, {block.rows, filters});
      }
      update_block(pass, *w_, row * O_ + part.columns.begin, block.rows.size(), columns, O_);
    }
  }

  /// ∂L/∂W in a block of one group; δ from its first column on.
  void add_up(const Pass<T>& pass, const T* delta, const Rows<T>& x, const Block& block) const {
    const std::int64_t columns = block.columns.size();
    const Part all{{0, pass.batch}, {0, windows_.out}};
    T* const dw = w_->gradient + block.columns.begin;
    if (is_even(x) && windows_.whole().size() == windows_.out) {
      pass.kernels.product_dw(dw + block.rows.begin * O_, x.p + block.rows.begin, delta,
                              block.rows.size(), columns, pass.batch * windows_.out, O_, x.step, O_,
                              pass.scratch);
      return;
    }
    for (std::int64_t row = block.rows.begin; row < block.rows.end; ++row)
      std::fill_n(dw + row * O_, columns, T{0});
    each_run(windows_, all, false, [&](const Run& run) {
      const std::int64_t from = std::max(block.rows.begin, run.taps.begin * own_C_);
      const std::int64_t to = std::min(block.rows.end, run.taps.end * own_C_);
      if (from >= to) return;
      const std::int64_t ldx = x.ld(run), ldy = run.over_samples ? windows_.out * O_ : O_;
      const T* const dy = delta + (run.sample * windows_.out + run.step) * O_;
      for (std::int64_t n = 0; n < run.rows; n += kShard) {
        pass.kernels.product_dw_add(dw + from * O_, x.at(run, from + n * ldx), dy + n * ldy,
                                    to - from, columns, std::min(kShard, run.rows - n), O_, ldx,
                                    ldy, pass.scratch);
      }
    });
  }

  void bias_gradient(const Pass<T>& pass, const T* delta, std::int64_t rows) const {
    const Block part = own(1, kParameterRows, O_, pass.kernels.column_grain, pass.worker);
    if (part.empty()) return;
    pass.kernels.sum_rows(b_->gradient + part.columns.begin, delta + part.columns.begin,
                          part.columns.size(), rows, O_);
    update_block(pass, *b_, part.columns.begin, 1, part.columns.size(), O_);
  }

  Conv1DSpec spec_;
  std::int64_t O_, K_, G_;
  Activator<T> f_;
  std::int64_t C_ = 0;
  std::int64_t own_C_ = 0, own_O_ = 0;  // a group's
  Windows windows_;
  Windows back_;  // of dx over δ, where slides()
  Parameter<T>* w_ = nullptr;
  Parameter<T>* b_ = nullptr;
};

}  // namespace

MUNDUR_LAYER(Conv1D);

}  // namespace mundur
