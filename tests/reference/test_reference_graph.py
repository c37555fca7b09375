"""The textbook's graphs: the chain rule's sums, by central differences and beside a chain."""

from __future__ import annotations

from random import Random

import pytest
from mundur.reference import Model, layers, losses, optimizers
from mundur.reference.graph import Graph, check_graph
from mundur.reference.layers import Layer
from mundur.reference.lists import Tensor, filled


def numbers(*shape: int, seed: int = 0) -> Tensor:
    rng = Random(seed)
    return filled(shape, lambda: rng.uniform(-1.0, 1.0))


def twice(layer: Layer, *input_shapes: tuple[int, ...]) -> Graph:
    """A layer that two inputs share, and a product of what it makes of them."""
    return Graph([layer, layers.Multiply()], [(0, [0]), (0, [1]), (1, [2, 3])], [4], input_shapes)


SHARED = {
    "dense": (layers.Dense(2, "tanh", kernel_regularizer="l2"), (3,)),
    "activity": (layers.Dense(2, "sigmoid", activity_regularizer="l2"), (3,)),
    "lstm": (layers.LSTM(2), (3, 2)),
    "batch_normalization": (layers.BatchNormalization(), (3,)),
    "residual": (layers.Residual([layers.Dense(3, "tanh"), layers.Dense(3)]), (3,)),
    "bidirectional": (layers.Bidirectional(layers.GRU(2)), (3, 2)),
}


@pytest.mark.parametrize("name", SHARED)
def test_a_shared_layer(name: str) -> None:
    layer, shape = SHARED[name]
    graph = twice(layer, shape, shape)
    x = [numbers(4, *shape, seed=1), numbers(4, *shape, seed=2)]
    differences = check_graph(graph, x, training=name != "batch_normalization")
    assert len(differences) == 2 + len(layer.parameters)
    assert max(differences.values()) < 1e-7


def test_a_value_read_three_times_and_two_outputs() -> None:
    graph = Graph(
        [layers.Dense(3, "tanh"), layers.Add(), layers.Maximum(), layers.Dense(1)],
        [(0, [0]), (1, [0, 1]), (2, [1, 2]), (3, [2])],
        [3, 4, 1],
        [(3,)],
    )
    assert max(check_graph(graph, [numbers(4, 3)]).values()) < 1e-8


def test_a_chain_is_the_simplest_graph() -> None:
    def made() -> list[Layer]:
        return [layers.Dense(4, "tanh"), layers.LayerNormalization(), layers.Dense(2)]

    chain = Model(made(), seed=3, input_shape=(3,))
    graph = Graph(made(), [(0, [0]), (1, [1]), (2, [2])], [3], [(3,)], seed=3)
    x, y, loss = numbers(5, 3), numbers(5, 2, seed=4), losses.MeanSquaredError()
    chain.compile(optimizers.Adam(0.1), loss)
    graph.compile_all(optimizers.Adam(0.1), [loss])
    for _ in range(5):
        assert graph.train_on_all([x], [y]) == [pytest.approx(chain.train_on_batch(x, y))] * 2
    assert graph.forward([x]) == [chain.forward(x)]


def test_losses_count_by_their_weights() -> None:
    def graph(weights: list[float]) -> Graph:
        made = [layers.Dense(2, "tanh"), layers.Dense(1), layers.Dense(1)]
        found = Graph(made, [(0, [0]), (1, [1]), (2, [1])], [2, 3], [(3,)], seed=5)
        both = [losses.MeanSquaredError(), losses.MeanAbsoluteError()]
        found.compile_all(optimizers.SGD(0.1), both, weights)
        return found

    x, y = [numbers(5, 3)], [numbers(5, 1, seed=6), numbers(5, 1, seed=7)]
    told = graph([0.5, 2.0]).train_on_all(x, y)
    assert told[0] == pytest.approx(0.5 * told[1] + 2.0 * told[2])
    idle, alone = graph([1.0, 0.0]), graph([1.0, 1.0])
    alone.losses[1] = None
    for one in (idle, alone):
        one.train_on_all(x, y)
    assert idle.parameters == alone.parameters


def test_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="samples must have one shape"):
        Graph([layers.Add()], [(0, [0, 1])], [2], [(3,), (2,)])
    with pytest.raises(RuntimeError, match="call compile_all"):
        twice(layers.Dense(2), (3,), (3,)).train_on_all([], [])
