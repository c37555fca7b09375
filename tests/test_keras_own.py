"""Pieces of one's own whose source is the same for Keras: what they come to is the same, too."""

from __future__ import annotations

from typing import Any

import mundur as md
import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="install the extra 'keras'")
pytestmark = [
    pytest.mark.keras,
    pytest.mark.filterwarnings("ignore:__array__ impl:DeprecationWarning"),
]

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(64, 4)).astype("float32"), RNG.normal(size=(64, 2)).astype("float32")
BOTH = (keras, md)


def block_of(k: Any) -> Any:
    class GatedBlock(k.layers.Layer):  # type: ignore[misc]
        def __init__(self, units: int, **options: Any) -> None:
            super().__init__(**options)
            self.units = units
            self.hidden = k.layers.Dense(units, "tanh")
            self.drop = k.layers.Dropout(0.0)

        def build(self, input_shape: Any) -> None:
            self.gate = k.layers.Dense(input_shape[-1], "sigmoid")

        def call(self, inputs: Any, training: Any = None) -> Any:
            hidden = self.drop(self.hidden(inputs), training=training)
            return k.layers.Multiply()([hidden, self.gate(inputs)]) + inputs

        def compute_output_shape(self, input_shape: Any) -> Any:
            return (input_shape[0], self.units)

    return GatedBlock


def loss_of(k: Any) -> Any:
    class Quartic(k.losses.Loss):  # type: ignore[misc]
        def __init__(self, factor: float = 1.0, **options: Any) -> None:
            super().__init__(**options)
            self.factor = factor

        def call(self, y_true: Any, y_pred: Any) -> Any:
            return self.factor * ((y_pred - y_true) ** 4).mean(-1)

        def gradient(self, y_true: Any, y_pred: Any) -> Any:
            return self.factor * 4 * (y_pred - y_true) ** 3 / y_pred.shape[-1]

    return Quartic


def metric_of(k: Any) -> Any:
    class Total(k.metrics.Metric):  # type: ignore[misc]
        def __init__(self, name: str = "total", **options: Any) -> None:
            super().__init__(name=name, **options)
            self.value = self.add_variable(shape=(), initializer="zeros", name="value")

        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
            self.value.assign(self.value + abs(y_pred - y_true).sum())

        def result(self) -> Any:
            return self.value

    return Total


def optimizer_of(k: Any) -> Any:
    class Heavy(k.optimizers.Optimizer):  # type: ignore[misc]
        def __init__(self, learning_rate: Any = 0.01, beta: float = 0.9, **options: Any) -> None:
            super().__init__(learning_rate=learning_rate, name="heavy", **options)
            self.beta = beta

        def build(self, variables: Any) -> None:
            super().build(variables)
            self.memory = [
                self.add_variable_from_reference(v, name="memory") for v in variables
            ]  # fmt: skip

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            memory = self.memory[self._get_variable_index(variable)]
            self.assign(memory, self.beta * memory + gradient)
            self.assign_sub(variable, learning_rate * memory)

    return Heavy


def model_of(k: Any) -> Any:
    class Net(k.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.first = k.layers.Dense(6, "relu")
            self.last = k.layers.Dense(2)

        def call(self, inputs: Any, training: Any = None) -> Any:
            return self.last(k.layers.Concatenate()([self.first(inputs), inputs]))

    return Net()


def trained(theirs: Any, ours: Any, **how: Any) -> None:
    """Both from the same weights; afterwards, too."""
    for model in (theirs, ours):
        model.predict(X, verbose=0)
    ours.set_weights([np.array(w) for w in theirs.get_weights()])
    how = {"epochs": 3, "batch_size": 16, "shuffle": False, "verbose": 0} | how
    histories = [model.fit(X, Y, **how).history for model in (theirs, ours)]
    assert list(histories[0]) == list(histories[1])
    np.testing.assert_allclose(histories[0]["loss"], histories[1]["loss"], rtol=1e-4)
    for a, b in zip(theirs.get_weights(), ours.get_weights(), strict=True):
        np.testing.assert_allclose(np.array(a), b, rtol=2e-3, atol=2e-4)


def test_a_layer_with_call_within_a_chain() -> None:
    def make(k: Any) -> Any:
        block = block_of(k)
        model = k.Sequential([k.layers.Dense(5), block(5), block(5), k.layers.Dense(2)])
        model.compile(k.optimizers.SGD(0.1), "mse")
        return model

    theirs, ours = map(make, BOTH)
    trained(theirs, ours)
    assert [layer.count_params() for layer in ours.layers] == [
        layer.count_params() for layer in theirs.layers
    ]
    assert ours.layers[1].name.startswith("gated_block")
    assert theirs.layers[1].name.startswith("gated_block")


def test_a_model_with_call_and_an_optimizer() -> None:
    theirs, ours = map(model_of, BOTH)
    for k, model in zip(BOTH, (theirs, ours), strict=True):
        model.compile(optimizer_of(k)(0.05, clipnorm=0.1), "mse")
    trained(theirs, ours)


def test_a_loss_and_a_metric() -> None:
    theirs, ours = map(model_of, BOTH)
    for k, model in zip(BOTH, (theirs, ours), strict=True):
        model.compile(k.optimizers.SGD(0.01), loss_of(k)(0.5), metrics=[metric_of(k)()])
    trained(theirs, ours)
    a, b = (model.evaluate(X, Y, batch_size=16, verbose=0) for model in (theirs, ours))
    np.testing.assert_allclose([float(v) for v in a], [float(v) for v in b], rtol=1e-4)
    pair = [np.float32(one) for one in (loss_of(k)()(Y, X[:, :2]) for k in BOTH)]
    assert pair[0] == pytest.approx(pair[1], rel=1e-5)
