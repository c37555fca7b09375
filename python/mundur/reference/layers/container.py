"""Chains of layers, in a model or within a layer: their names, and the way through them."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from ..lists import Mask, Tensor
from .base import Layer


class Nested(Layer):
    """A layer around others: parameters, gradients and state are theirs, as "dense/kernel"."""

    def __init__(self, layers: Sequence[Layer], name: str | None) -> None:
        super().__init__(name)
        self.layers = list(layers)

    def gather(self, *attributes: str) -> None:
        """Take over what the layers have under these attributes, their names in front."""
        for attribute in attributes:
            theirs: dict[str, Any] = {
                f"{layer.name}/{name}": value
                for layer in self.layers
                for name, value in getattr(layer, attribute).items()
            }
            setattr(self, attribute, theirs)

    def in_samples(self, steps: Tensor) -> Tensor:
        """Return the steps of all samples, sample by sample."""
        count = (self.input_shape or (1,))[0]
        return [steps[at : at + count] for at in range(0, len(steps), count)]

    def hand_on_what_is_frozen(self) -> None:
        """Freeze in each layer what is frozen of it here."""
        for layer in self.layers:
            layer.frozen = {p for p in layer.parameters if not self.learns(f"{layer.name}/{p}")}


def forward_chain(
    layers: Sequence[Layer], x: Tensor, training: bool, mask: Mask | None = None
) -> list[Tensor]:
    """Send a batch through one layer after the other, and its mask along; return all outputs."""
    outputs = []
    for layer in layers:
        layer.mask = mask
        a = layer.forward(x, training)
        mask = layer.compute_mask(x, mask)
        x = a
        outputs.append(a)
    return outputs


def name_layers(layers: Sequence[Layer]) -> None:
    """Name those without a name of their own by kind and count: dense, dense_1, dense_2, ..."""
    taken = [layer.name for layer in layers if layer.has_own_name]
    for name in taken:
        if taken.count(name) > 1:
            raise ValueError(f"two layers are named {name!r}; names must be distinct")
    for layer in layers:
        if not layer.has_own_name:
            layer.name = next(name for name in numbered(layer.kind()) if name not in taken)
            taken.append(layer.name)


def numbered(kind: str) -> Iterator[str]:
    """Yield kind, kind_1, kind_2, ..."""
    yield kind
    for number in count(1):
        yield f"{kind}_{number}"
