#pragma once

// How an operation becomes launches. Sizes and pieces are chosen here; whatever they are, the bits
// are the same.

#include <vector>

#include "cuda/launch.h"
#include "mundur/memory.h"
#include "program/extents.h"
#include "program/memory.h"

namespace mundur::cuda {

/// Where the values of a program lie on the device.
template <class T>
struct There {
  std::byte* planned = nullptr;
  T* flat[kRoles] = {};          // sums of gradients come with each step
  std::byte* scratch = nullptr;  // of one operation
};

template <class T>
class Resolver : public Extents {
 public:
  Resolver(const Program& program, const Placement& placement, const There<T>& there,
           std::int64_t samples, std::vector<Launch>& launches)
      : Extents(program, samples), placement_(placement), there_(there), launches_(launches) {}

  template <class U = T>
  U* at(Value value) const {
    if (!value) return nullptr;
    const ValueInfo& info = program_[program_.root(value)];
    if (info.role != Role::planned) {
      T* const flat = there_.flat[static_cast<int>(info.role)];  // null: sums' lie elsewhere
      return flat ? reinterpret_cast<U*>(flat + info.place) : nullptr;
    }
    return reinterpret_cast<U*>(there_.planned +
                                placement_.offsets[static_cast<std::size_t>(value.index)]);
  }
  /// Memory for this operation alone.
  template <class U>
  U* scratch(std::int64_t elements) {
    const std::int64_t begin = used_;
    used_ = whole_lines(begin + elements * static_cast<std::int64_t>(sizeof(U)), "the workspace");
    return reinterpret_cast<U*>(there_.scratch + begin);
  }
  std::int64_t scratch_bytes() const { return used_; }

  /// So many blocks of so many threads, with bytes in common.
  template <class Arguments>
  void launch(const Arguments& arguments, std::int64_t blocks, int threads, std::int64_t shared) {
    if (blocks == 0) return;
    launches_.push_back(launch_of<T>(arguments, blocks, threads, shared));
  }
  /// Threads for n elements, rows or columns.
  template <class Arguments>
  void each(std::int64_t n, const Arguments& arguments) {
    if (n > 0) launches_.push_back(launch_of<T>(arguments, n));
  }
  /// One block, whatever there is to do.
  template <class Arguments>
  void one_block(const Arguments& arguments) {
    launch(arguments, 1, 128, 0);
  }
  /// f of a value's elements, in its place.
  void activate(Value y, Function f) {
    if (f == Function::linear) return;
    each(size(y), launches::Activate<T>{at(y), at(y), size(y), static_cast<Activation>(f), {}});
  }
  /// What follows a gradient, in the block of it whose first element is number `first`.
  void then(const After& after, T* g, std::int64_t first, std::int64_t rows, std::int64_t columns) {
    if (!after.w) return;
    const std::int64_t ld = this->columns(after.w), place = program_[after.w].place;
    if (after.penalty.any()) {
      each(rows * columns, launches::AddPenalty<T>{g + first, g + first, at(after.w) + first, rows,
                                                   columns, ld, ld, after.penalty});
    }
    if (after.update) {
      each(rows * columns,
           launches::Update<T>{g + first, nullptr, place + first, rows, columns, ld, false, false});
    }
  }

 private:
  const Placement& placement_;
  const There<T>& there_;
  std::vector<Launch>& launches_;
  std::int64_t used_ = 0;
};

/// to[rows, columns] = f(a[rows, depth]·b + bias), element (k, c) of b at k·b_step + c·b_column.
template <class T>
void multiply(Resolver<T>& r, T* to, const T* a, const T* b, const T* bias, std::int64_t rows,
              std::int64_t columns, std::int64_t depth, std::int64_t b_step, std::int64_t b_column,
              Function f);

/// As the CPU's StreamKey: the top bit keeps layers' numbers apart from initialisers'.
inline launches::Key key_of(const Stream& stream) {
  constexpr int kLayerBits = 15;
  const auto layer = static_cast<std::uint64_t>(stream.layer);
  return {stream.seed.value_or(0), (std::uint64_t{1} << 63) | (layer << (63 - kLayerBits)),
          stream.seed.has_value()};
}

/// What this provider has.
// clang-format off
#define MUNDUR_CUDA_OPERATIONS(X) \
  X(Product) X(ProductDx) X(ProductDw) X(SumRows)                                              \
  X(Activate) X(ActivateDx) X(Rescale) X(Add) X(Multiply) X(Copy) X(Zero) X(Permute) X(Shift)  \
  X(Concatenate) X(TakeColumns) X(MaskSteps) X(EitherMask) X(FindMask) X(Repeat) X(SumSteps)   \
  X(MaxWindows) X(MaxWindowsDx) X(MeanWindows) X(MeanWindowsDx)                                \
  X(GatherWindows) X(Convolve) X(ConvolveDw) X(Convolve2D) X(Convolve2DDw) X(TurnKernel)       \
  X(DrawMaps) X(Warp) X(WarpDx) X(Contrast) X(ContrastDx) X(UnitRows) X(UnitRowsDx)            \
  X(Lookup) X(ListPlaces) X(LookupDw) X(Dropout) X(DropoutDx) X(Normal)                        \
  X(CountRows) X(ColumnSums) X(ColumnDeviations) X(ColumnMoments) X(NormalizationScale)        \
  X(NormalizeColumns) X(NormalizeColumnsSums) X(NormalizeColumnsDx)                            \
  X(NormalizeRows) X(NormalizeRowsSums) X(NormalizeRowsDx)                                     \
  X(MaskWeights) X(LossValues) X(LossGradient) X(ArgMax)                                       \
  X(ActivityPenalty) X(ActivityPenaltyDx) X(WeightPenalties)                                   \
  X(Accumulate) X(SumSquares) X(Update) X(Constrain)                                           \
  X(FactorMeans) X(FactorSizes) X(FactorUpdate)                                                \
  X(RecurPack) X(Recur) X(RecurDxPack) X(RecurDx)
// Those that are the caller's arrays' are the CPU's, which has these at hand.
#define MUNDUR_HOST_OPERATIONS(X) \
  X(LoadInput) X(LoadTargets) X(ClearUnweighted) X(Augment) X(LoadGradient) X(KeepOutputs)
// clang-format on

template <class Op>
inline constexpr bool is_host = false;
#define MUNDUR_IS_HOST(Op) \
  template <>              \
  inline constexpr bool is_host<op::Op> = true;
MUNDUR_HOST_OPERATIONS(MUNDUR_IS_HOST)
#undef MUNDUR_IS_HOST

template <class Op>
inline constexpr bool is_device = false;
#define MUNDUR_IS_DEVICE(Op) \
  template <>                \
  inline constexpr bool is_device<op::Op> = true;
MUNDUR_CUDA_OPERATIONS(MUNDUR_IS_DEVICE)
#undef MUNDUR_IS_DEVICE

#define MUNDUR_RESOLVES(Op) \
  template <class T>        \
  void resolve(Resolver<T>& r, const op::Op& o);
MUNDUR_CUDA_OPERATIONS(MUNDUR_RESOLVES)
#undef MUNDUR_RESOLVES

#define MUNDUR_CUDA_RESOLVED(Op)                                 \
  template void resolve<float>(Resolver<float>&, const op::Op&); \
  template void resolve<double>(Resolver<double>&, const op::Op&)

}  // namespace mundur::cuda
