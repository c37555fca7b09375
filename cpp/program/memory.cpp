#include "program/memory.h"

#include <algorithm>
#include <limits>

#include "mundur/memory.h"

namespace mundur {
namespace {

constexpr const char* kWhat = "the workspace of one batch";

/// One piece of memory and the operations between which it is in use. Values that lie in each
/// other's place share one.
struct Block {
  std::size_t first = std::numeric_limits<std::size_t>::max();
  std::size_t last = 0;
  std::int64_t bytes = 0;
  std::int64_t offset = 0;
  bool in_use() const { return first <= last; }
};

class Planner {
 public:
  Planner(const Program& program,
          const std::function<std::int64_t(const ValueInfo& value)>& bytes_of)
      : program_(program), blocks_(program.values.size()), owner_(program.values.size()) {
    for (std::size_t i = 0; i < owner_.size(); ++i) owner_[i] = i;
    find_lifetimes();
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      if (!blocks_[i].in_use()) continue;
      blocks_[i].bytes = whole_lines(bytes_of(program.values[i]), kWhat);
    }
    share_places();
  }

  Placement place() {
    std::vector<Block*> order;
    for (Block& block : blocks_) {
      if (block.in_use()) order.push_back(&block);
    }
    // Large ones first: small ones find room between them.
    std::stable_sort(order.begin(), order.end(),
                     [](const Block* a, const Block* b) { return a->bytes > b->bytes; });
    Placement found;
    std::vector<const Block*> placed, alive;
    for (Block* block : order) {
      alive.clear();
      for (const Block* other : placed) {
        if (other->first <= block->last && block->first <= other->last) alive.push_back(other);
      }
      std::sort(alive.begin(), alive.end(),
                [](const Block* a, const Block* b) { return a->offset < b->offset; });
      for (const Block* other : alive) {
        if (block->offset + block->bytes <= other->offset) break;
        block->offset = std::max(block->offset, checked_sum(other->offset, other->bytes, kWhat));
      }
      found.bytes = std::max(found.bytes, checked_sum(block->offset, block->bytes, kWhat));
      placed.push_back(block);
    }
    for (std::size_t i = 0; i < owner_.size(); ++i) {
      const Value root = program_.root({static_cast<std::int32_t>(i)});
      const std::size_t own = block_of(static_cast<std::size_t>(root.index));
      found.offsets.push_back(blocks_[own].in_use() ? blocks_[own].offset : -1);
    }
    return found;
  }

 private:
  std::size_t block_of(std::size_t value) const {
    while (owner_[value] != value) value = owner_[value];
    return value;
  }

  void find_lifetimes() {
    std::size_t forward_ends = 0;
    for (const Stretch& stretch : program_.stretches) {
      if (stretch.stage == Stage::backward || stretch.stage == Stage::update) break;
      forward_ends = stretch.end;  // what calls outside behind these belongs to backward
    }
    const std::size_t end = program_.operations.size();
    for (std::size_t i = 0; i < end; ++i) {
      for (const Access& access : Accesses(program_.operations[i]).all) {
        const Value root = program_.root(access.value);
        if (program_[root].role != Role::planned) continue;
        Block& block = blocks_[static_cast<std::size_t>(root.index)];
        const bool stays =
            program_.forward_stays && block.first < forward_ends && i >= forward_ends;
        block.first = std::min(block.first, i);
        block.last = std::max(block.last, stays ? end : i);
      }
    }
    for (Value value : program_.kept) {
      const Value root = program_.root(value);
      Block& block = blocks_[static_cast<std::size_t>(root.index)];
      if (program_[root].role == Role::planned && block.in_use()) block.last = end;
    }
  }

  /// An output lies where an input lies that nobody reads later, if the operation says so.
  void share_places() {
    for (std::size_t i = 0; i < program_.operations.size(); ++i) {
      for (const Access& access : Accesses(program_.operations[i]).all) {
        if (!access.in_place_of) continue;
        const auto to = block_of(static_cast<std::size_t>(program_.root(access.value).index));
        const auto from =
            block_of(static_cast<std::size_t>(program_.root(access.in_place_of).index));
        Block& block = blocks_[from];
        if (to == from || !blocks_[to].in_use() || !block.in_use() || block.last != i ||
            block.bytes != blocks_[to].bytes) {
          continue;
        }
        block.last = blocks_[to].last;
        owner_[to] = from;
        blocks_[to] = {};
      }
    }
  }

  const Program& program_;
  std::vector<Block> blocks_;
  std::vector<std::size_t> owner_;  // whose block a value lies in
};

}  // namespace

Placement place(const Program& program,
                const std::function<std::int64_t(const ValueInfo& value)>& bytes_of) {
  return Planner(program, bytes_of).place();
}

}  // namespace mundur
