"""What flows through a chain of layers beside numbers: masks of time steps, sequences."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence

from ..layers.base import Layer, MaskFlow
from ..layers.container import Nested
from ..layers.wrappers import TimeDistributed


def with_inner(layers: Sequence[Layer]) -> Iterator[Layer]:
    """Them, and the layers within them."""
    for layer in layers:
        yield layer
        if isinstance(layer, Nested):
            yield from with_inner(layer.inner)


def check_for_sequences(
    before: Layer, layer: Layer, given: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    """Raises where the layer wants the sequence whose last step alone is what it gets."""
    if all(getattr(part, "return_sequences", True) for part in with_inner([before])):
        return
    sequence = (given[0], *shape)
    try:
        layer.parameter_shapes(sequence), layer.compute_output_shape(sequence)
    except ValueError:
        return
    raise ValueError(
        f"{layer.name} wants a sequence, and {before.name} gives the last step of its own alone: "
        f"samples of shape {shape} instead of {sequence}; set return_sequences=True in "
        f"{before.name}"
    ) from None


def _flow(layer: Layer, axes: int) -> MaskFlow:
    """What becomes of a mask over so many axes: the batch, its steps, and steps within them."""
    if not isinstance(layer, TimeDistributed) or axes < 3:
        return layer.mask_flow
    flow = _flow(layer.layer, axes - 1)
    return "passes" if flow == "makes" else flow


def masked_axes(layers: Sequence[Layer], shape: tuple[int, ...]) -> list[int]:
    """Over how many axes, the batch's too, a mask comes to each layer, and then to the outputs."""
    masked = [0]
    for layer in layers:
        flow = _flow(layer, masked[-1])
        shape = layer.compute_output_shape(shape)
        masked.append({"makes": len(shape), "passes": masked[-1]}.get(flow, 0))
    return masked


def warn_of_a_dropped_mask(layers: Sequence[Layer], shape: tuple[int, ...]) -> None:
    """Of a mask of time steps that is lost."""
    masked = masked_axes(layers, shape)
    for layer, axes in zip(layers, masked, strict=False):  # the outputs drop nothing
        if axes and _flow(layer, axes) == "drops":
            warnings.warn(
                f"{layer.name} ({type(layer).__name__}) drops the mask of time steps: it takes "
                "padding for data, and layers behind it see no mask; without Masking or "
                "mask_zero=True in front of it this warning goes",
                UserWarning,
                stacklevel=2,
            )
