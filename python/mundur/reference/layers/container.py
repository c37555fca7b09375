"""Chains of layers, in a model or within a layer: their names, and the way through them."""

from collections.abc import Iterator, Sequence

from ..lists import Mask, Tensor
from .base import Layer


def name_layers(layers: Sequence[Layer]) -> None:
    """Name those without a name of their own by kind and count: dense, dense_1, dense_2, ..."""
    taken = [layer.name for layer in layers if layer.has_own_name]
    for layer in layers:
        if not layer.has_own_name:
            layer.name = next(name for name in numbered(layer.kind()) if name not in taken)
            taken.append(layer.name)
    if len(set(taken)) < len(layers):
        raise ValueError(f"layers: expected different names, got {', '.join(sorted(taken))}")


def numbered(kind: str) -> Iterator[str]:
    """Yield kind, kind_1, kind_2, ..."""
    yield kind
    count = 1
    while True:
        yield f"{kind}_{count}"
        count += 1


def forward_chain(
    layers: Sequence[Layer], x: Tensor, training: bool, mask: Mask | None = None
) -> list[Tensor]:
    """Send a batch through one layer after the other, and its mask along; return all outputs."""
    outputs = []
    for layer in layers:
        layer.mask = mask
        y = layer.forward(x, training)
        mask = layer.compute_mask(x, mask)
        x = y
        outputs.append(y)
    return outputs
