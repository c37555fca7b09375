"""Layers that are compositions of others: what their call makes of symbolic values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

from .._support.checks import shown
from .._support.names import takes_training
from .input import ARITHMETIC, Call, Symbol, in_order, name_among, symbols_in

__all__ = ["Composition", "Phase", "composed", "traced"]

Shape = tuple[int, ...]


class Composition(NamedTuple):
    """What a layer's call makes of symbolic values."""

    inputs: tuple[Symbol, ...]
    order: list[Call]
    output: Symbol

    @property
    def layers(self) -> list[Any]:
        """Each once, in the order of its first call."""
        return list({id(call.layer): call.layer for call in self.order}.values())


class Phase:
    """Stands for `training` where a graph is made: layers may have it, a condition may not."""

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "training is not known where call makes a graph: fit trains, predict does not. Give it "
            "to layers, which obey it, or write forward(x, training) and backward(dy) in NumPy"
        )


def traced(piece: Any, inputs: Any) -> Any:
    """What the call of a layer or a model makes of symbolic values."""
    options = {"training": Phase()} if takes_training(type(piece).call) else {}
    return piece.call(inputs, **options)


def composed(layer: Any, shapes: Sequence[Shape]) -> Composition:
    """The graph that a layer's call makes."""
    inputs = tuple(Symbol(shape, None) for shape in shapes)
    made = traced(layer, list(inputs) if layer._merges else inputs[0])
    title = f"{type(layer).__name__}.call"
    if not isinstance(made, Symbol):
        raise TypeError(
            f"{title} must return one symbolic value, made of what it was called on by layers; got "
            f"{shown(made)}. What is NumPy goes into forward(x) and backward(dy)"
        )
    if any(made is x for x in inputs):
        made = ARITHMETIC["Activation"]("linear")(made)
    body = Composition(inputs, in_order(inputs, symbols_in(made, title)), made)
    _check_held(layer, body, title)
    for number, one in enumerate(body.layers):
        name_among(one, body.layers[:number])
        if layer._frozen_whole:
            one.trainable = False
    return body


def _check_held(layer: Any, body: Composition, title: str) -> None:
    """Raises for a layer with weights that was made within call, and is another one each time."""
    if layer._declared:
        raise TypeError(
            f"{title} is a composition of layers, which have the weights; {list(layer._declared)} "
            "of add_weight belong to layers that write forward and backward"
        )
    held = {id(one) for one in layer._within()}
    for one in body.layers:
        has_weights = bool(getattr(one, "parameter_initializers", True))  # a model may have them
        if has_weights and id(one) not in held:
            raise ValueError(
                f"{title} makes a {type(one).__name__} each time that it is called, with new "
                "weights: make it in __init__ or build, and keep it as an attribute"
            )
