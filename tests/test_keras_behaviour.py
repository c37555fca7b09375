"""The deliberate differences from Keras that no signature shows: each is shown on both sides."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import mundur as md
import numpy as np
import pytest

import keras_shared  # noqa: F401 - chooses Keras's backend
from keras_differences import BEHAVIOURS, Behaviour

keras = pytest.importorskip("keras", reason="install the extra 'keras'")
torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.keras,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't:DeprecationWarning"),
]

X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(6, 2)
Y = X[:, :1] * 3


def linear(library: Any, optimizer: Any = "sgd", loss: str = "mse", inputs: int = 2) -> Any:
    """One unit without bias, from zero."""
    dense = library.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    model = library.Sequential([library.Input((inputs,)), dense])
    model.compile(optimizer, loss)
    return model


def steps(library: Any, optimizer: Any, rates: list[float]) -> list[float]:
    """A weight from 0 along gradients of 1, at these learning rates."""
    path = []
    if library is md:
        model = linear(md, optimizer, inputs=1)
    else:
        variable = keras.Variable(np.zeros((1, 1), np.float32))
        optimizer.build([variable])
    for rate in rates:
        optimizer.learning_rate = rate
        if library is md:
            model.gradients["dense/kernel"] = [[1.0]]
            optimizer.step(model)
            path.append(float(model.parameters["dense/kernel"][0, 0]))
        else:
            optimizer.apply([torch.ones(1, 1)])
            path.append(float(keras.ops.convert_to_numpy(variable)[0, 0]))
    return path


def momentum() -> None:
    def both(rates: list[float]) -> list[list[float]]:
        return [steps(lib, lib.optimizers.SGD(0.1, 0.5), rates) for lib in (md, keras)]

    assert both([0.1, 0.1])[0] == pytest.approx(both([0.1, 0.1])[1])
    ours, theirs = both([0.1, 0.01])
    assert ours[1] - ours[0] == pytest.approx(-0.01 * 1.5)
    assert theirs[1] - theirs[0] == pytest.approx(-0.01 - 0.05)


def epsilon() -> None:
    ours, theirs = (
        steps(lib, lib.optimizers.Adam(0.1, epsilon=1.0), [0.1])[0] for lib in (md, keras)
    )
    assert ours == pytest.approx(-0.1 / 2, rel=1e-5)
    root = (1 - 0.999) ** 0.5
    assert theirs == pytest.approx(-0.1 * root / (1 - 0.9) * 0.1 / (root + 1), rel=1e-4)


def nesterov() -> None:
    """The first step along a gradient of 1: m/(1 - β₁) and v̂ are 1, μ₁ and μ₂ are what differs."""
    ours, theirs = (
        steps(lib, lib.optimizers.Nadam(0.1, epsilon=1e-12), [0.1])[0] for lib in (md, keras)
    )

    def step(psi: float) -> float:
        mu = [0.9 * (1 - 0.5 * 0.96 ** (psi * t)) for t in (1, 2)]
        return -0.1 * (mu[1] * 0.1 / (1 - mu[0] * mu[1]) + (1 - mu[0]) / (1 - mu[0]))

    assert ours == pytest.approx(step(0.004), rel=1e-5)
    assert theirs == pytest.approx(step(1.0), rel=1e-5)


def weights() -> None:
    y, p, w = [[0.0], [0.0]], [[1.0], [2.0]], [1.0, 3.0]
    assert md.losses.MeanSquaredError()(y, p, w) == 13 / 4
    theirs = keras.losses.MeanSquaredError()(np.array(y), np.array(p), np.array(w))
    assert float(theirs) == 13 / 2


def weighted_sets() -> None:
    y, p, w = np.array([[1.0], [1.0]]), np.array([[1.0], [0.5]]), np.array([1.0, 0.0])
    assert md.losses.Dice()(y, p, w) == pytest.approx(0, abs=1e-6)
    assert float(keras.losses.Dice()(y, p, w)) == pytest.approx((1 - 3 / 3.5) / 2, rel=1e-5)


def excluded_names() -> None:
    ours, theirs = (
        md.optimizers.SGD(0.5, weight_decay=0.5),
        keras.optimizers.SGD(0.5, weight_decay=0.5),
    )
    model = md.Model([md.layers.Dense(1, use_bias=False)], input_shape=(1,), seed=0)
    other = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, use_bias=False, name="dense")]
    )
    for optimizer in (ours, theirs):
        optimizer.exclude_from_weight_decay(var_names=["dense"])
    model.parameters["dense/kernel"] = [[1.0]]
    ours.step(model)
    assert model.parameters["dense/kernel"] == 1
    other.layers[0].kernel.assign([[1.0]])
    theirs.build([other.layers[0].kernel])
    theirs.apply([keras.ops.zeros((1, 1))])
    assert keras.ops.convert_to_numpy(other.layers[0].kernel) == 0.75


def sums_of_probabilities() -> None:
    y, p = np.array([[1.0, 0.0]]), np.array([[0.9, 0.9]])
    with pytest.raises(ValueError, match=r"whose sum is 1 in every row; got 1.8 at sample 0"):
        md.losses.CategoricalCrossentropy()(y, p)
    theirs = keras.losses.CategoricalCrossentropy()(y, p)
    assert float(theirs) == pytest.approx(np.log(2), rel=1e-5)


def adjusted_r2() -> None:
    y, p = np.stack([np.arange(9.0)] * 2, axis=1), np.stack([np.arange(9.0) + 1] * 2, axis=1)
    plain = md.metrics.R2Score()(y, p)
    ours, theirs = (lib.metrics.R2Score(num_regressors=3) for lib in (md, keras))
    theirs.update_state(y, p)
    assert ours(y, p) == pytest.approx(1 - (1 - plain) * 8 / 5)
    assert float(theirs.result()) == pytest.approx(1 - (1 - plain) * 17 / 14, rel=1e-5)


def more_than_there_is() -> None:
    model = linear(md)
    assert len(model.fit(X, Y, 2, epochs=2, steps_per_epoch=5, verbose=0).history["loss"]) == 2
    assert model.optimizer.iterations == 10
    theirs = linear(keras)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs.fit(X, Y, 2, epochs=2, steps_per_epoch=5, verbose=0)
    assert int(theirs.optimizer.iterations) < 10


def named_penalty() -> None:
    w = np.ones((2, 1), np.float32)
    assert md.regularizers.get("l1l2")(w) == pytest.approx(0.04)
    assert float(keras.regularizers.get("l1l2")(keras.ops.convert_to_tensor(w))) == 0.0


def values() -> None:
    assert type(md.losses.MeanSquaredError()([[0.0]], [[1.0]])) is float
    assert torch.is_tensor(keras.losses.MeanSquaredError()(np.zeros((1, 1)), np.ones((1, 1))))


def broadcasting() -> None:
    y, p = np.zeros((4, 1)), np.ones((4, 3))
    assert float(keras.losses.MeanSquaredError()(y, p)) == 1.0
    with pytest.raises(ValueError, match="y_true must have shape"):
        md.losses.MeanSquaredError()(y, p)


def head() -> None:
    linear(keras, loss="binary_crossentropy").fit(X, Y > 0, verbose=0)
    with pytest.raises(ValueError, match="expects probabilities"):
        linear(md, loss="binary_crossentropy")


def nonfinite() -> None:
    huge = np.full((6, 1), 1e38, np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert not np.isfinite(linear(keras).fit(X, huge, verbose=0).history["loss"][0])
    with pytest.raises(md.NonFiniteLossError):
        linear(md).fit(X, huge, verbose=0)


def mask_value() -> None:
    x = np.full((1, 2, 1), np.nan, np.float32)
    masking = keras.layers.Masking(np.nan)
    assert np.asarray(masking.compute_mask(torch.tensor(x)).tolist()).all()
    with pytest.raises(ValueError, match="mask_value must be a finite number"):
        md.layers.Masking(np.nan)


def seed() -> None:
    def model(chosen: int | None) -> Any:
        return md.Sequential([md.layers.Dense(3)], input_shape=(2,), seed=chosen)

    first = model(None)
    assert np.array_equal(model(first.seed).get_weights()[0], first.get_weights()[0])
    assert not hasattr(keras.Sequential(), "seed")


def shapes() -> None:
    assert linear(md).output_shape == (1,)
    assert linear(keras).output_shape == (None, 1)


def arrays() -> None:
    model = linear(md)
    kernel = model.layers[0].kernel
    assert isinstance(kernel, np.ndarray)
    assert not isinstance(linear(keras).layers[0].kernel, np.ndarray)


def files() -> None:
    import tempfile
    from pathlib import Path

    from safetensors import safe_open

    with tempfile.TemporaryDirectory() as folder:
        with pytest.warns(UserWarning, match="which Keras cannot read"):
            linear(md).save(Path(folder) / "model.keras")
        with safe_open(Path(folder) / "model.keras", "numpy") as file:
            assert any("dense/kernel" in key for key in file.keys())  # noqa: SIM118 - no mapping
        with pytest.raises(ValueError, match="extension"):
            linear(keras).save(Path(folder) / "model.safetensors")


def inputs_among_layers() -> None:
    found = []
    for library in (md, keras):
        x = library.Input((2,))
        found.append(library.Model(x, library.layers.Dense(1, name="dense")(x)).layers)
    assert [layer.name for layer in found[0]] == ["dense"]
    assert [type(layer).__name__ for layer in found[1]] == ["InputLayer", "Dense"]


def stretching() -> None:
    x, y = keras.Input((3,)), keras.Input((1,))
    assert tuple(keras.layers.Add()([x, y]).shape) == (None, 3)
    with pytest.raises(ValueError, match="needs values of one shape"):
        md.layers.Add()([md.Input((3,)), md.Input((1,))])


def mask_beside_states() -> None:
    """A sample of nothing but padding keeps the state that it is given."""
    kept = []
    for library in (md, keras):
        ids, first = library.Input((2,)), library.Input((2,))
        table = library.layers.Embedding(3, 2, mask_zero=True)(ids)
        _, h = library.layers.GRU(2, return_state=True)(table, initial_state=first)
        given = np.full((1, 2), 0.5, np.float32)
        found = library.Model([ids, first], h).predict([np.zeros((1, 2), int), given], verbose=0)
        kept.append(np.array_equal(found, given))
    assert kept == [True, False]


def names_of_inputs() -> None:
    models = []
    for library in (md, keras):
        a, b = library.Input((2,), name="a"), library.Input((2,), name="b")
        models.append(library.Model([a, b], library.layers.Add()([a, b])))
    more = {"a": X, "b": X, "c": X}
    assert np.allclose(models[1].predict(more, verbose=0), 2 * X)
    with pytest.raises(ValueError, match="x names 'c', and the model's inputs are 'a', 'b'"):
        models[0].predict(more)


def layers_after_compile() -> None:
    theirs = linear(keras)
    theirs.add(keras.layers.Dense(1))
    theirs.compile("sgd", "mse")
    theirs.fit(X, Y, verbose=0)
    model = linear(md)
    with pytest.raises(RuntimeError, match="add comes before compile"):
        model.add(md.layers.Dense(1))
    other = md.Model(model.input, md.layers.Dense(1)(model.output))
    other.compile("sgd", "mse")
    other.fit(X, Y, verbose=0)


def backups_of_iterables() -> None:
    import tempfile

    for library in (keras, md):
        with tempfile.TemporaryDirectory() as folder:
            callbacks = [library.callbacks.BackupAndRestore(folder)]
            batches = ((X, Y) for _ in range(4))
            given = {"x": batches, "steps_per_epoch": 1, "shuffle": False, "verbose": 0}
            if library is keras:
                linear(keras).fit(**given, callbacks=callbacks)
            else:
                with pytest.raises(TypeError, match="goes with x and y as arrays"):
                    linear(md).fit(**given, callbacks=callbacks)


def losses_as_metrics() -> None:
    told = []
    for library in (md, keras):
        model = linear(library)
        loss = library.losses.MeanSquaredError(name="squares")
        model.compile("sgd", "mse", metrics=[loss])
        told.append(model.evaluate(X, Y, batch_size=4, verbose=0)[1])
    assert told[0] == pytest.approx(np.mean(Y**2))
    assert told[1] == pytest.approx((np.mean(Y[:4] ** 2) + np.mean(Y[4:] ** 2)) / 2)


def drawn(library: Any, layer: str, *arguments: Any, images: int = 200) -> Any:
    """What a layer makes in training of equal images, brighter from pixel to pixel."""
    x = np.broadcast_to(np.arange(36, dtype=np.float32).reshape(6, 6, 1), (images, 6, 6, 1))
    y = getattr(library.layers, layer)(*arguments, seed=1)(x, training=True)
    return y if library is md else keras.ops.convert_to_numpy(y)


def flips() -> None:
    kinds = [len({y.tobytes() for y in drawn(lib, "RandomFlip")}) for lib in (md, keras)]
    assert kinds == [4, 2]


def crops() -> None:
    kinds = [len({y.tobytes() for y in drawn(lib, "RandomCrop", 4, 4)}) for lib in (md, keras)]
    assert kinds == [9, 1]
    x = np.zeros((2, 6, 6, 1), np.float32)
    shapes = [lib.layers.RandomCrop(4, 4)(x, training=False).shape for lib in (md, keras)]
    assert [tuple(shape) for shape in shapes] == [(2, 4, 4, 1), (2, 6, 6, 1)]


def contrasts() -> None:
    arguments = ("RandomContrast", 0.5, (-999, 999))
    ours, theirs = (drawn(lib, *arguments).std((1, 2)) for lib in (md, keras))
    usual = np.arange(36).std()
    assert ours.min() < 0.6 * usual < 1.4 * usual < ours.max()
    assert 0.999 * usual < theirs.min()


def phases_of_call() -> None:
    def loss_of(lib: Any) -> float:
        class Noisy(lib.Model):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                self.dense = lib.layers.Dense(5, use_bias=False)
                self.noise = lib.layers.GaussianNoise(1.0)

            def call(self, inputs: Any) -> Any:
                return self.noise(self.dense(inputs))

        model = Noisy()
        model.compile("sgd", "mse")
        x = np.zeros((100, 5), np.float32)
        return float(model.fit(x, x, verbose=0).history["loss"][0])

    assert loss_of(md) > 0.5
    assert loss_of(keras) == 0.0


def losses_of_layers() -> None:
    class Small(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            self.add_loss(keras.ops.sum(x**2))
            return x

    layer = Small()
    layer(np.ones((2, 3), np.float32))
    assert [float(loss) for loss in layer.losses] == [6.0]
    for thing in (md.layers.Dense(2), md.Model()):
        for name in ("add_loss", "losses"):
            with pytest.raises(AttributeError, match="as another output, with a loss of its own"):
                getattr(thing, name)
    with pytest.raises(AttributeError, match="nothing is differentiated by itself"):
        _ = md.ops  # type: ignore[attr-defined]


CHECKS: dict[str, Callable[[], None]] = {
    check.__name__: check
    for check in (
        *(momentum, epsilon, nesterov, weights, values, broadcasting, head, nonfinite),
        *(named_penalty, mask_value, seed, shapes, arrays, files),
        *(inputs_among_layers, stretching, mask_beside_states),
        *(names_of_inputs, layers_after_compile, backups_of_iterables, losses_as_metrics),
        *(weighted_sets, sums_of_probabilities, adjusted_r2, more_than_there_is, excluded_names),
        *(flips, crops, contrasts, losses_of_layers, phases_of_call),
    )
}


@pytest.mark.parametrize("difference", BEHAVIOURS, ids=lambda difference: difference.id)
def test_a_difference_is_as_it_is_listed(difference: Behaviour) -> None:
    CHECKS[difference.id]()


def test_every_check_is_listed() -> None:
    assert sorted(CHECKS) == sorted(difference.id for difference in BEHAVIOURS)
