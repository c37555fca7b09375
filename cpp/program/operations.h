#pragma once

// What a program is made of: plain operations on values, for a whole batch. Outputs come first,
// then inputs, then options. A provider knows how each is done; what it needs to know of sizes
// stands in the values' shapes.
//
// Letters: n rows (samples, and their places or time steps), I inputs, O outputs: the last axis.
// "In place" means that the output may be the memory of the input so named. walk() tells a schedule
// which values an operation writes, in whose place each may lie, and which it reads; what is both
// written and read is changed, and what is a sum over samples, so that ranks must meet for it, is
// so called.

#include <variant>

#include "program/layer_operations.h"
#include "program/training_operations.h"

namespace mundur {

// All of them: who lists operations lists these.
// clang-format off
#define MUNDUR_OPERATIONS(X) \
  X(LoadInput) X(LoadTargets) X(ClearUnweighted) X(Augment) X(LoadGradient) X(KeepOutputs)     \
  X(Product) X(ProductDx) X(ProductDw) X(SumRows) X(ToBfloat16) X(GatherWindows)               \
  X(RoundWindows) X(WindowsDx) X(Convolve) X(TurnKernel) X(ConvolveDw) X(Convolve2D)           \
  X(Convolve2DDw) X(MaxWindows) X(MaxWindowsDx) X(MeanWindows) X(MeanWindowsDx)                                              \
  X(Activate) X(ActivateDx) X(Rescale) X(Add) X(Multiply) X(Larger) X(LargerDx) X(Contract)    \
  X(Copy) X(Zero)                                                                              \
  X(Permute) X(Shift) X(Concatenate) X(TakeColumns) X(MaskSteps) X(EitherMask)                 \
  X(FindMask) X(Repeat) X(SumSteps) X(DrawMaps) X(Warp) X(WarpDx) X(Contrast) X(ContrastDx)    \
  X(Dropout) X(DropoutDx) X(Normal) X(ToIds) X(Lookup) X(ListPlaces) X(LookupDw)               \
  X(CountRows) X(ColumnSums) X(ColumnDeviations) X(ColumnMoments) X(NormalizationScale)        \
  X(NormalizeColumns) X(NormalizeColumnsSums)                                                  \
  X(NormalizeColumnsDx) X(NormalizeRows) X(NormalizeRowsSums) X(NormalizeRowsDx) X(UnitRows) X(UnitRowsDx) X(RecurPack)  \
  X(Recur) X(RecurDxPack) X(RecurDx) X(MaskWeights) X(LossValues) X(LossGradient) X(ArgMax)    \
  X(AskLoss) X(AskLayer) X(AskLayerDx) X(AskUpdate) X(ActivityPenalty) X(ActivityPenaltyDx)    \
  X(WeightPenalties) X(Accumulate)                                                             \
  X(SumSquares) X(Update) X(FactorMeans) X(FactorSizes) X(FactorUpdate) X(Constrain) X(JoinSums) X(Agree) X(SumValues)
// clang-format on

template <class Nothing, class... Ops>
using OneOf = std::variant<Ops...>;
#define MUNDUR_ALTERNATIVE(Op) , op::Op
/// One of them. What a variant of so many types does to be made, moved and destroyed is compiled
/// once, not wherever an operation is emitted.
struct Operation : OneOf<void MUNDUR_OPERATIONS(MUNDUR_ALTERNATIVE)> {
#define MUNDUR_MADE_OF(Op) Operation(op::Op one);
  MUNDUR_OPERATIONS(MUNDUR_MADE_OF)
#undef MUNDUR_MADE_OF
  Operation(const Operation&) = delete;
  Operation(Operation&&) noexcept;
  Operation& operator=(const Operation&) = delete;
  Operation& operator=(Operation&&) noexcept;
  ~Operation();
};

}  // namespace mundur
