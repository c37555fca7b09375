#pragma once

// How images are seen in other places than their own: where between the pixels, and what stands
// where there are none.

#include <cstdint>
#include <optional>

namespace mundur {

/// What stands beyond an image: one value; the nearest pixel; the image mirrored, its last pixel
/// twice (d c b a | a b c d | d c b a); or the image again (a b c d | a b c d | a b c d).
enum class Edge : std::uint8_t { constant, nearest, reflect, wrap };
struct Sampling {
  Edge edge = Edge::constant;
  bool nearest = false;  // the pixel at hand, else in between four of them
  double fill = 0.0;     // beyond, where that is constant
};

/// The part of an image that is seen; what of it lies outside of the image holds the constant.
struct Box {
  std::int64_t row = 0, column = 0, rows = 0, columns = 0;
};

/// A change of images that is drawn for each. Pairs are of the rows and of the columns; what is
/// drawn is uniform over [low, high).
struct RandomChange {
  enum class Kind : std::uint8_t { flip, translation, rotation, zoom, crop, contrast };
  Kind kind = Kind::flip;
  /// flip: high is 1 along what is turned over, by chance. Translation: down and to the right, in
  /// heights and widths. Rotation: whole turns, counter-clockwise; one. Zoom: the extents seen,
  /// less 1, of the image's. Contrast: the factor; then the least and the greatest that may come
  /// out, which are not drawn.
  double low[2] = {}, high[2] = {};
  bool together = false;  // one number is drawn for both
  Sampling sampling{};
  std::optional<std::uint64_t> seed{};  // none: the network's
};

}  // namespace mundur
