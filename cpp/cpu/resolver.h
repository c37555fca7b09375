#pragma once

// How an operation becomes calls: what each worker computes of it, and what it touches meanwhile.

#include <algorithm>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "cpu/plan.h"
#include "program/extents.h"

namespace mundur {

/// Calls work(first, count) for rows of some numbers, so few together that what is made of them is
/// still in the nearest cache when it is read again.
template <class Work>
void in_chunks(std::int64_t rows, std::int64_t columns, Work work) {
  constexpr std::int64_t kElements = 1 << 11;
  const std::int64_t most = std::max<std::int64_t>(kElements / columns, 1);
  for (std::int64_t row = 0; row < rows; row += most) work(row, std::min(most, rows - row));
}

/// Elements per grain of an elementwise pass: a multiple of every vector and of a cache line.
inline constexpr std::int64_t kGrain = 64;
/// Rows of a parameter that workers own together, where they own rows.
inline constexpr std::int64_t kParameterRows = 8;
/// Rows of a product's tile.
inline constexpr std::int64_t kTileRows = 8;
/// A gradient at a time, where something follows it: as many rows as keep the product busy, and no
/// more than the cache holds.
inline constexpr std::int64_t kStripRows = 256, kStripElements = 1 << 18;
/// The same in tiles.
inline constexpr std::int64_t kTiledGrain = 32, kTiledRows = 64, kTiledColumns = 512;
/// Elements of scratch through which a gradient passes on its way to the update, strip by strip,
/// instead of through memory; 0: L2 holds it where gradients are, or not even a strip of it.
template <class T>
std::int64_t passing(const Shape& parameter, bool in_tiles, std::int64_t l2_bytes) {
  const std::int64_t rows = rows_of(parameter), columns = parameter.back();
  if (in_tiles) return std::min(kTiledRows, rows) * std::min(kTiledColumns, columns);
  constexpr auto kSize = static_cast<std::int64_t>(sizeof(T));
  const std::int64_t strip = std::max(kStripRows * columns, kStripElements);
  const bool pays = rows * columns * kSize > l2_bytes && rows * columns >= 2 * strip;
  return pays && strip * kSize <= 4 * l2_bytes ? strip : 0;
}

/// Rows of so many numbers that a worker's scratch holds at once, where what is made of them
/// follows.
inline std::int64_t rows_at_once(std::int64_t columns) {
  constexpr std::int64_t kElements = 1 << 17;
  const std::int64_t rows = kElements / columns / kTileDepth * kTileDepth;
  return std::clamp(rows, kTileDepth, 32 * kTileDepth);
}

/// What an operation touches of some memory, seen as a matrix: the block of each worker.
struct Touch {
  Role role;
  std::int64_t begin, bytes;            // in the role's memory
  std::int64_t rows, columns, element;  // of the matrix; bytes of an element
  Element kind;                         // how the matrix lies there
  bool writes;
  bool whole = false;  // each worker touches all of it
  bool stays = false;  // who reads it had better keep to these parts
  std::vector<Block> blocks{};
};

/// What decides where workers have to meet: an operation waits where it touches what another worker
/// has touched since the last barrier, and one of the two writes.
class Touches {
 public:
  /// Of the operation that is now resolved, by the worker whose turn it is: the same number of
  /// times for each.
  void add(int worker, const Touch& touch, const Block& block);
  /// Whether a barrier is needed in front of the operation; then it belongs to those behind it.
  bool commit();
  void meet() { since_.clear(); }
  /// Who wrote all of this memory last, in parts; null: nobody, or as a whole.
  const Touch* writer(Role role, std::int64_t begin, std::int64_t elements,
                      std::int64_t element) const;
  void begin_worker() { next_ = 0; }
  void stay() { now_.front().stays = true; }

 private:
  std::vector<Touch> now_, since_, written_;
  std::size_t next_ = 0;
};

template <class T>
class Resolver : public Extents {
 public:
  Resolver(const Program& program, const Placement& placement, const Memory<T>& memory,
           std::int64_t samples, const Kernels<T>& table, Touches& touches, Member member,
           Calls<T>& calls)
      : Extents(program, samples),
        kernels(table),
        worker(member),
        scratch(memory.scratch[static_cast<std::size_t>(member.index())]),
        placement_(placement),
        memory_(memory),
        touches_(touches),
        calls_(calls) {}

  const Kernels<T>& kernels;
  const Member worker;
  T* const scratch;  // this worker's

  template <class U = T>
  U* at(Value value) const {
    if (!value) return nullptr;
    const ValueInfo& info = program_[program_.root(value)];
    if (info.role != Role::planned) {
      auto* const flat = memory_.flat[static_cast<int>(info.role)];  // null: sums' lie elsewhere
      return flat ? reinterpret_cast<U*>(flat + info.place) : nullptr;
    }
    return reinterpret_cast<U*>(memory_.planned +
                                placement_.offsets[static_cast<std::size_t>(value.index)]);
  }

  // ---- what is touched, and where it lies. First of all, and the same for each worker. A value
  // that is missing lies nowhere.
  template <class U = T>
  const U* reads(Value value) {
    return touch<U>(value, false);
  }
  template <class U = T>
  U* writes(Value value) {
    return touch<U>(value, true);
  }
  /// A block of the matrix of its rows.
  const T* reads(Value value, const Block& block) { return touch(value, block, false); }
  T* writes(Value value, const Block& block) { return touch(value, block, true); }
  /// Rows of it, or elements of it if it is but one row.
  const T* reads(Value value, Range rows) { return reads(value, {rows, {0, columns(value)}}); }
  T* writes(Value value, Range rows) { return writes(value, {rows, {0, columns(value)}}); }
  /// A part of its samples, seen as rows of all their elements.
  template <class U = T>
  const U* reads_samples(Value value, Range samples) {
    return touch_samples<U>(value, samples, false);
  }
  template <class U = T>
  U* writes_samples(Value value, Range samples) {
    return touch_samples<U>(value, samples, true);
  }
  /// A part of its elements, in a row.
  template <class U = T>
  const U* reads_flat(Value value, Range part) {
    return touch_flat<U>(value, part, false);
  }
  template <class U = T>
  U* writes_flat(Value value, Range part) {
    return touch_flat<U>(value, part, true);
  }
  void touch_matrix(Value value, std::int64_t rows, std::int64_t columns, const Block& block,
                    bool writes);

  // ---- parts
  Range share_samples(Value value) const { return share(samples(value), 1, worker); }
  Range share_rows(Value value) const { return share(rows(value), 1, worker); }
  Range share_flat(Value value) const { return share(size(value), kGrain, worker); }
  /// Of elements, or whole rows of them: as whoever wrote `like` has shared them out, so that
  /// nobody has to wait for another.
  struct Elements {
    std::int64_t rows, columns;
    Block block;
    /// Calls work(first, count) for what lies together.
    template <class Work>
    void each(Work work) const {
      if (block.empty()) return;
      if (block.columns.size() == columns) {
        return work(block.rows.begin * columns, block.rows.size() * columns);
      }
      for (std::int64_t row = block.rows.begin; row < block.rows.end; ++row) {
        work(row * columns + block.columns.begin, block.columns.size());
      }
    }
  };
  Elements share_elements(Value like) const;
  /// Whole rows of it; `stays_with_rows`: as its writer shared them out, if it asked for that.
  Range share_rows_as(Value like) const;
  bool stays_with_rows(Value like) const;
  /// Who reads what the operation writes had better stay with its parts.
  void stay_with_rows() { touches_.stay(); }
  template <class U = T>
  const U* reads(Value value, const Elements& part) {
    touch_matrix(value, part.rows, part.columns, part.block, false);
    return at<U>(value);
  }
  template <class U = T>
  U* writes(Value value, const Elements& part) {
    touch_matrix(value, part.rows, part.columns, part.block, true);
    return at<U>(value);
  }
  /// The part of a parameter that the worker owns.
  Block own(Value parameter) const {
    return mundur::own(rows(parameter), kParameterRows, columns(parameter), kernels.column_grain,
                       worker);
  }

  // ---- calls
  template <class Work>
  void call(Work work) {
    calls_.add(work);
  }

 private:
  void touch_whole(Value value, bool writes);
  template <class U>
  U* touch(Value value, bool writes) {
    if (value) touch_whole(value, writes);
    return at<U>(value);
  }
  T* touch(Value value, const Block& block, bool writes) {
    touch_matrix(value, rows(value), columns(value), block, writes);
    return at(value);
  }
  template <class U>
  U* touch_samples(Value value, Range samples, bool writes) {
    if (value) {
      const std::int64_t size = program_[value].size();
      touch_matrix(value, this->samples(value), size, {samples, {0, size}}, writes);
    }
    return at<U>(value);
  }
  template <class U>
  U* touch_flat(Value value, Range part, bool writes) {
    if (value) touch_matrix(value, 1, size(value), {{0, 1}, part}, writes);
    return at<U>(value);
  }
  Touch memory_of(Value value, bool writes) const;

  const Placement& placement_;
  const Memory<T>& memory_;
  Touches& touches_;
  Calls<T>& calls_;
};

/// The products of an operand in bfloat16, or of one that is rounded to `element`; null: it is
/// none. Throws std::invalid_argument beside float64, which lacks them.
template <class T>
const Bfloat16Products<T>* bfloat16_of(const Resolver<T>& r, Value operand, const char* operation,
                                       Element element) {
  if (!is_bfloat16(element)) return nullptr;
  if constexpr (!std::is_same_v<T, float>) {
    throw std::invalid_argument(std::string(operation) + " of " + r[operand].name +
                                ": the CPU has it in bfloat16 beside float32 only");
  }
  return element == Element::bfloat16_pairs ? &r.kernels.pairs : &r.kernels.tiles;
}
template <class T>
const Bfloat16Products<T>* bfloat16_of(const Resolver<T>& r, Value operand, const char* operation) {
  return bfloat16_of(r, operand, operation, r[operand].element);
}

/// Numbers in bfloat16 up to which a row of `columns` is filled.
inline std::int64_t bfloat16_filled(std::int64_t columns, Element form) {
  const std::int64_t grain = form == Element::bfloat16 ? kTileDepth : 2;
  return (columns + grain - 1) / grain * grain;
}

/// What follows a gradient in a block of a parameter, resolved: see After.
template <class T>
struct Following {
  const T* w = nullptr;
  std::int64_t place = 0;  // of the parameter
  Penalty penalty{};
  bool updates = false;

  /// `g` holds the gradient of the block whose first element is number `at`; `ld` is the distance
  /// of the parameter's rows, `ldg` of the gradient's.
  void operator()(const Kernels<T>& kernels, const Now<T>& now, T* g, std::int64_t at,
                  std::int64_t rows, std::int64_t columns, std::int64_t ld,
                  std::int64_t ldg) const {
    if (penalty.any()) {
      const Penalty by = penalty.over(now.samples());
      kernels.add_penalty(g, w + at, rows, columns, ldg, ld, static_cast<T>(by.l1),
                          static_cast<T>(2.0 * by.l2));
    }
    if (updates) kernels.update(now.update.at(place + at), g, rows, columns, ld, ldg);
  }
  void operator()(const Kernels<T>& kernels, const Now<T>& now, T* g, std::int64_t at,
                  std::int64_t rows, std::int64_t columns, std::int64_t ld) const {
    (*this)(kernels, now, g, at, rows, columns, ld, ld);
  }
  bool any() const { return penalty.any() || updates; }
  /// What an update reads of a block whose first element is number `at`; null where it has no more.
  const T* soon(const Now<T>& now, std::int64_t at, int i) const {
    if (!updates) return nullptr;
    const T* const first = i == 0 ? now.update.w : now.update.state[i - 1];
    return first ? first + place + at : nullptr;
  }
};

/// Touches what follows the gradient in a block of it, and resolves it.
template <class T>
Following<T> following(Resolver<T>& r, const After& after, const Block& block);
/// The same, seen as a matrix of another shape.
template <class T>
Following<T> following(Resolver<T>& r, const After& after, std::int64_t rows, std::int64_t columns,
                       const Block& block);
/// The same of a part of its elements in a row.
template <class T>
Following<T> following_flat(Resolver<T>& r, const After& after, Range part);

/// The key of a layer's random numbers: the top bit keeps them apart from initialisers'.
struct StreamKey {
  std::uint64_t seed, place;
  bool own_seed;
  explicit StreamKey(const Stream& stream)
      : seed(stream.seed.value_or(0)),
        place(static_cast<std::uint64_t>(stream.layer)),
        own_seed(stream.seed.has_value()) {}
  template <class T>
  RandomKey operator()(const Now<T>& now) const {
    constexpr int kLayerBits = 15;
    return {own_seed ? seed : now.seed,
            (std::uint64_t{1} << 63) | (place << (63 - kLayerBits)) | now.forward};
  }
};

/// One for each operation, in the files of this folder.
#define MUNDUR_RESOLVES(Op) \
  template <class T>        \
  void resolve(Resolver<T>& r, const op::Op& o);
MUNDUR_OPERATIONS(MUNDUR_RESOLVES)
#undef MUNDUR_RESOLVES

/// Ends the definition of one, for both element types.
#define MUNDUR_RESOLVED(Op)                                      \
  template void resolve<float>(Resolver<float>&, const op::Op&); \
  template void resolve<double>(Resolver<double>&, const op::Op&)

}  // namespace mundur
