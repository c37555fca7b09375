#include "cpu/plan.h"

#include <algorithm>

#include "cpu/lane_windows.h"
#include "cpu/patches.h"
#include "cpu/resolver.h"
#include "mundur/memory.h"
#include "mundur/runtime.h"

namespace mundur {
namespace {

/// Bytes of one element, but for what is packed.
std::int64_t element_of(Element element, std::int64_t real) {
  if (is_bfloat16(element)) return 2;
  switch (element) {
    case Element::float64:
      return 8;
    case Element::int32:
      return 4;
    case Element::byte:
      return 1;
    default:
      return real;
  }
}

/// A block that has whole rows is a part of one long row: so the parts of different matrices over
/// the same memory can be compared.
void flatten(Touch& touch, Block& block) {
  const std::int64_t columns = touch.columns;
  if (block.columns.begin != 0 || block.columns.end != columns) return;
  block = {{0, 1}, {block.rows.begin * columns, block.rows.end * columns}};
}

bool is_flat(const Touch& touch) {
  return std::all_of(touch.blocks.begin(), touch.blocks.end(), [&](const Block& block) {
    return block.empty() || (block.columns.begin == 0 && block.columns.end == touch.columns);
  });
}

/// The columns, or rows, that any worker touches.
Range extent(const Touch& touch, Range Block::* side) {
  Range all{};
  bool is_first = true;
  for (const Block& block : touch.blocks) {
    if (block.empty()) continue;
    all = is_first ? block.*side
                   : Range{std::min(all.begin, (block.*side).begin),
                           std::max(all.end, (block.*side).end)};
    is_first = false;
  }
  return all;
}

bool apart(Range a, Range b) {
  return a.empty() || b.empty() || a.end <= b.begin || b.end <= a.begin;
}

/// Whether a worker may touch what another one touches there.
bool conflict(const Touch& a, const Touch& b) {
  if (!a.writes && !b.writes) return false;
  if (a.role != b.role || a.begin + a.bytes <= b.begin || b.begin + b.bytes <= a.begin)
    return false;
  const bool same_matrix = !a.whole && !b.whole && a.begin == b.begin && a.rows == b.rows &&
                           a.columns == b.columns && a.kind == b.kind;
  if (!same_matrix) return true;
  const bool same_blocks =
      std::equal(a.blocks.begin(), a.blocks.end(), b.blocks.begin(), b.blocks.end(),
                 [](const Block& x, const Block& y) { return (x.empty() && y.empty()) || x == y; });
  return !same_blocks && !apart(extent(a, &Block::columns), extent(b, &Block::columns)) &&
         !apart(extent(a, &Block::rows), extent(b, &Block::rows));
}

}  // namespace

std::int64_t bytes_of(const ValueInfo& value, std::int64_t batch, std::int64_t real) {
  constexpr const char* kWhat = "the workspace of one batch";
  const std::int64_t samples =
      value.samples == 0 ? 1 : checked_product(batch, value.samples, kWhat);
  if (value.element == Element::bfloat16_left || value.element == Element::bfloat16_right) {
    const std::int64_t rows = checked_product(samples, rows_of(value.shape), kWhat);
    const std::int64_t tiles = (value.shape.back() + kTileSide - 1) / kTileSide;
    return checked_product(
        checked_product(checked_sum(rows, kTileDepth, kWhat) / kTileDepth, tiles, kWhat),
        kTileSize * 2, kWhat);
  }
  std::int64_t each = 1;
  for (std::size_t i = 0; i < value.shape.size(); ++i) {
    const bool is_last = i + 1 == value.shape.size();
    const std::int64_t extent =
        is_last && is_bfloat16(value.element) ? bfloat16_stride(value.shape[i]) : value.shape[i];
    each = checked_product(each, extent, kWhat);
  }
  if (value.element == Element::panels) each = panels_size(value.shape[0], value.shape[1]);
  return checked_product(checked_product(samples, each, kWhat), element_of(value.element, real),
                         kWhat);
}

template <class T>
std::int64_t scratch_bytes(const Program& program, std::int64_t batch) {
  // A workspace outlives a change of the instruction set.
  std::int64_t most = 0;
  const auto need = [&](auto of) {
    for (Isa isa : available_isas()) most = std::max(most, of(kernels<T>(isa)));
  };
  const auto need_rows = [&](Element element, std::int64_t rows, std::int64_t O, std::int64_t I,
                             std::int64_t more) {
    need([&](const Kernels<T>& k) {
      const auto scratch_of = element == Element::real             ? k.scratch_of
                              : element == Element::bfloat16_pairs ? k.pairs.scratch_of
                                                                   : k.tiles.scratch_of;
      return scratch_of(rows, O, I, k.l2_bytes) + more;
    });
  };
  const auto need_of = [&](Value x, Value y, std::int64_t more = 0) {
    const std::int64_t I = program[x].shape.back(), O = program[y].shape.back();
    const std::int64_t rows = program[y].samples * program[y].size() / std::max<std::int64_t>(1, O);
    need_rows(std::max(program[x].element, program[y].element), batch * rows, O, I, more);
  };
  const auto grouped = [&](const auto& o, Value of_filters) {
    const std::int64_t C = program[o.x].shape.back(), O = program[of_filters].shape.back();
    return Grouped{o.groups, C / o.groups, O / o.groups};
  };
  for (const Operation& operation : program.operations) {
    std::visit(
        [&]<class Op>(const Op& o) {
          if constexpr (std::is_same_v<Op, op::Product>) {
            need_of(o.x, o.y);
          } else if constexpr (std::is_same_v<Op, op::ProductDx>) {
            need_of(o.dx, o.dy);
          } else if constexpr (std::is_same_v<Op, op::ProductDw>) {
            const bool in_tiles = program[o.x].element == Element::bfloat16_left;
            const std::int64_t l2 = kernels<T>().l2_bytes;  // the same of every instruction set
            const Shape& parameter = program[o.dw].shape;
            const std::int64_t passes = o.after.update ? passing<T>(parameter, in_tiles, l2) : 0;
            need_of(o.x, o.dy, passes);
          } else if constexpr (std::is_same_v<Op, op::RoundWindows>) {
            need([&](const Kernels<T>&) { return kTileDepth * program[o.y].shape.back(); });
          } else if constexpr (std::is_same_v<Op, op::WindowsDx>) {
            const std::int64_t I = o.windows.taps() * program[o.dx].shape.back();
            const std::int64_t rows = rows_at_once(I);
            need_rows(program[o.dy].element, rows, program[o.dy].shape.back(), I, rows * I);
          } else if constexpr (std::is_same_v<Op, op::Convolve2D>) {
            const Grouped sizes = grouped(o, o.y);
            const std::int64_t depth = o.windows.taps() * sizes.channels, O = sizes.all_filters();
            if (o.rounded != Element::real) {
              const std::int64_t rows = rows_at_once(depth);
              return need_rows(o.rounded, rows, O, depth, rounded_size(rows, depth));
            }
            need([&](const Kernels<T>& k) {
              if (by_pixels(sizes, o.windows)) {
                const Range rows{0, pixel_rows(sizes, o.windows)};
                return pixel_windows<T>(sizes, o.windows, rows).scratch_size();
              }
              if (ByFilters::pays(sizes, o.windows)) {
                const std::int64_t at_once = Framed<T>::rows(o.windows, sizes.channels);
                return Framed<T>::scratch(o.windows, sizes.channels, at_once);
              }
              if (!sizes.by_lanes()) {
                const std::int64_t some = patches_at_once(depth),
                                   all = batch * program[o.y].samples * o.windows.out();
                const std::int64_t at_once = o.windows.taps() == 1 ? std::max(some, all) : some;
                return k.scratch_of(at_once, O, depth, k.l2_bytes) + some * depth;
              }
              const std::int64_t places = LanesSeen<T>::places(o.windows, sizes);
              return (depth + 1) * windows_together(sizes, true) * O +
                     LanesSeen<T>::scratch(o.windows, sizes, places);
            });
          } else if constexpr (std::is_same_v<Op, op::Convolve2DDw>) {
            const Grouped sizes = grouped(o, o.dy);
            const std::int64_t rows = o.windows.taps() * sizes.channels, O = sizes.all_filters();
            const std::int64_t places = batch * program[o.dy].samples * o.windows.out();
            const std::int64_t waiting = PatchSums::most_waiting(O, places),
                               high = PatchSums::most_rows(rows);
            const Element element = program[o.dy].element;
            if (is_bfloat16(element))
              return need_rows(element, kShard, O, rows, rounded_size(kShard, high) + waiting);
            need([&](const Kernels<T>& k) {
              if (ByFilters::pays_for_dw(sizes, o.windows)) {
                const std::int64_t at_once = Framed<T>::rows_of(o.windows, kShard);
                return Framed<T>::scratch(o.windows, sizes.channels, at_once) + waiting;
              }
              if (!sizes.by_lanes())
                return k.scratch_of(kShard, O, high, k.l2_bytes) + kShard * high + waiting;
              return lane_sums(rows, O, places) + LanesSeen<T>::scratch(o.windows, sizes, kShard);
            });
          } else if constexpr (requires { Op::kMultiplies; }) {
            need([](const Kernels<T>& k) { return k.scratch; });
          }
        },
        operation);
  }
  return whole_lines(most * static_cast<std::int64_t>(sizeof(T)), "the workspace of one batch");
}
template std::int64_t scratch_bytes<float>(const Program&, std::int64_t);
template std::int64_t scratch_bytes<double>(const Program&, std::int64_t);

// ---- touches ------------------------------------------------------------------------------------

void Touches::add(int worker, const Touch& touch, const Block& block) {
  if (worker == 0) now_.push_back(touch);
  now_[next_++].blocks.push_back(block);
}

bool Touches::commit() {
  for (Touch& touch : now_) {
    // Rows of bfloat16 are padded, so that those of another shape lie elsewhere.
    if (touch.whole || is_bfloat16(touch.kind) || !is_flat(touch)) continue;
    for (Block& block : touch.blocks) flatten(touch, block);
    touch.columns *= touch.rows;
    touch.rows = 1;
  }
  bool waits = false;
  for (const Touch& touch : now_) {
    for (const Touch& before : since_) waits |= conflict(touch, before);
  }
  if (waits) since_.clear();
  for (const Touch& touch : now_) {
    if (!touch.writes) continue;
    std::erase_if(written_, [&](const Touch& before) {
      return before.role == touch.role && before.begin < touch.begin + touch.bytes &&
             touch.begin < before.begin + before.bytes;
    });
    if (!touch.whole) written_.push_back(touch);
  }
  since_.insert(since_.end(), std::make_move_iterator(now_.begin()),
                std::make_move_iterator(now_.end()));
  now_.clear();
  return waits;
}

const Touch* Touches::writer(Role role, std::int64_t begin, std::int64_t elements,
                             std::int64_t element) const {
  for (const Touch& touch : written_) {
    if (touch.role == role && touch.begin == begin && touch.rows * touch.columns == elements &&
        touch.element == element) {
      return &touch;
    }
  }
  return nullptr;
}

// ---- resolver -----------------------------------------------------------------------------------

template <class T>
Touch Resolver<T>::memory_of(Value value, bool writes) const {
  const Value root = program_.root(value);
  const ValueInfo& info = program_[root];
  Touch touch{};
  touch.role = info.role;
  touch.element = element_of(info.element, sizeof(T));
  touch.kind = info.element;
  touch.bytes = bytes_of(info, batch, sizeof(T));
  touch.begin = info.role == Role::planned
                    ? placement_.offsets[static_cast<std::size_t>(root.index)]
                    : info.place * touch.element;
  touch.writes = writes;
  return touch;
}

template <class T>
void Resolver<T>::touch_whole(Value value, bool writes) {
  Touch touch = memory_of(value, writes);
  touch.whole = true;
  touches_.add(worker.index(), touch, {});
}

template <class T>
void Resolver<T>::touch_matrix(Value value, std::int64_t rows, std::int64_t columns,
                               const Block& block, bool writes) {
  Touch touch = memory_of(value, writes);
  touch.rows = rows;
  touch.columns = columns;
  touches_.add(worker.index(), touch, block);
}

template <class T>
typename Resolver<T>::Elements Resolver<T>::share_elements(Value like) const {
  const std::int64_t elements = size(like);
  const Touch memory = memory_of(like, false);
  const Touch* writer = touches_.writer(memory.role, memory.begin, elements, memory.element);
  if (!writer) return {1, elements, {{0, 1}, share(elements, kGrain, worker)}};
  return {writer->rows, writer->columns, writer->blocks[static_cast<std::size_t>(worker.index())]};
}

template <class T>
Range Resolver<T>::share_rows_as(Value like) const {
  const std::int64_t O = columns(like);
  const Touch memory = memory_of(like, false);
  const Touch* writer = touches_.writer(memory.role, memory.begin, size(like), memory.element);
  const bool has_rows =
      writer && writer->rows == 1 &&
      std::all_of(writer->blocks.begin(), writer->blocks.end(), [&](const Block& block) {
        return block.empty() || (block.columns.begin % O == 0 && block.columns.end % O == 0);
      });
  if (!has_rows) return share_rows(like);
  const Block& own = writer->blocks[static_cast<std::size_t>(worker.index())];
  if (own.empty()) return {0, 0};
  return {own.columns.begin / O, own.columns.end / O};
}

template <class T>
bool Resolver<T>::stays_with_rows(Value like) const {
  const Touch memory = memory_of(like, false);
  const Touch* writer = touches_.writer(memory.role, memory.begin, size(like), memory.element);
  return writer && writer->stays;
}

template class Resolver<float>;
template class Resolver<double>;

// ---- plan ---------------------------------------------------------------------------------------

template <class T>
Plan<T>::Plan(const Program& program, const Placement& placement, const Memory<T>& memory,
              std::int64_t batch, int workers, const Kernels<T>& kernels)
    : calls_(static_cast<std::size_t>(workers)), ends_(static_cast<std::size_t>(workers)) {
  Touches touches;
  for (const Stretch& stretch : program.stretches) {
    touches.meet();
    for (std::size_t i = stretch.begin; i < stretch.end; ++i) {
      // What a worker does comes behind the barrier that it turns out to need.
      std::vector<Calls<T>> own(calls_.size());
      for (int index = 0; index < workers; ++index) {
        touches.begin_worker();
        Resolver<T> resolver(program, placement, memory, batch, kernels, touches,
                             Member(index, workers), own[static_cast<std::size_t>(index)]);
        std::visit([&](const auto& one) { resolve(resolver, one); }, program.operations[i]);
      }
      const bool waits = touches.commit() && workers > 1;
      for (std::size_t index = 0; index < calls_.size(); ++index) {
        if (waits) ends_[index].push_back(calls_[index].size());
        calls_[index].append(own[index]);
      }
    }
    for (std::size_t index = 0; index < calls_.size(); ++index) {
      ends_[index].push_back(calls_[index].size());
    }
    pieces_.push_back(ends_.front().size());
  }
}

template class Plan<float>;
template class Plan<double>;

}  // namespace mundur
