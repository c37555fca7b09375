"""Augmentation: what it does to pictures, when, and that its bits depend on the seed alone."""

from __future__ import annotations

from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur import _core

PICTURES = np.arange(1, 1 + 40 * 12, dtype=np.float32).reshape(40, 3, 4)
TARGETS = np.zeros(40)


def spy_model(inputs: int = 12, dtype: str = "float32", **options: Any) -> md.Model:
    """One whose outputs are its inputs, so that a loss of a batch tells what it was trained on."""
    model = md.Model([md.layers.Flatten(), md.layers.Dense(inputs)], seed=5, dtype=dtype, **options)
    return model


def seen(
    augment: Any, x: Any = PICTURES, *, epochs: int = 1, batch: int = 16, dtype: str = "float32"
) -> Any:
    """What training sees of each sample, in order, per epoch: from the gradients of an SGD step.

    With zero weights and the loss mean((p - y)²), y one-hot in sample i: ∂L/∂W = -2/(n·m) xᵢ in
    column i.
    """
    model = md.Model(
        [md.layers.Flatten(), md.layers.Dense(len(x), use_bias=False, kernel_initializer="zeros")],
        seed=5,
        dtype=dtype,
        input_shape=x.shape[1:],
    )
    passes = []

    class Read(md.Callback):
        def on_train_batch_end(self, batch_index: int, logs: Any = None) -> None:
            kernel = self.model.get_weights()[0]
            rows = np.s_[batch_index * batch : (batch_index + 1) * batch]
            count = len(x[rows])
            passes.append(kernel.T[rows] * count * len(x) / 2)
            self.model.set_weights([np.zeros_like(kernel)])

    model.compile(md.optimizers.SGD(1.0), "mse")
    y = np.eye(len(x))
    options: dict[str, Any] = {"shuffle": False, "verbose": 0, "callbacks": [Read()]}
    model.fit(x, y, batch, epochs, augment=augment, **options)
    return np.concatenate(passes).reshape(epochs, *x.shape)


def test_without_augmentation_training_sees_the_samples() -> None:
    np.testing.assert_allclose(seen(None)[0], PICTURES, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_noise(dtype: str) -> None:
    x = np.zeros((60, 700), np.float32)
    noise = seen(md.augment.Noise(0.5), x, epochs=2, dtype=dtype)
    flat = noise.ravel()
    assert abs(flat.mean()) < 5 * 0.5 / flat.size**0.5
    assert abs(flat.std() / 0.5 - 1) < 5 * (0.5 / flat.size) ** 0.5
    # Neither epochs, batches, samples nor pieces of a sample repeat one another.
    places = [(0, 0, 0), (0, 0, 256), (0, 1, 0), (0, 16, 0), (1, 0, 0)]  # 16: the next batch
    parts = [noise[epoch, sample, first : first + 256] for epoch, sample, first in places]
    correlation = np.corrcoef(parts) - np.eye(len(parts))
    assert np.abs(correlation).max() < 0.35


def shifted(picture: Any, dy: int, dx: int, fill: float) -> Any:
    out = np.full_like(picture, fill)
    height, width = picture.shape[:2]
    for row in range(height):
        for column in range(width):
            if 0 <= row - dy < height and 0 <= column - dx < width:
                out[row, column] = picture[row - dy, column - dx]
    return out


def matches(found: Any, candidates: Any) -> list[int]:
    return [i for i, c in enumerate(candidates) if np.allclose(found, c, rtol=1e-4)]


@pytest.mark.parametrize("channels", [None, 2])
def test_shift(channels: int | None) -> None:
    x = PICTURES if channels is None else np.stack([PICTURES, -PICTURES], axis=-1)
    steps = [(dy, dx) for dy in range(-2, 3) for dx in range(-1, 2)]
    found = set()
    for pictures in seen(md.augment.Shift(2, 1, fill=7.0), x, epochs=6):
        for picture, original in zip(pictures, x, strict=True):
            hits = matches(picture, [shifted(original, dy, dx, 7.0) for dy, dx in steps])
            assert len(hits) == 1
            found.add(hits[0])
    assert found == set(range(len(steps)))


@pytest.mark.parametrize(
    ("mode", "axes"),
    [
        ("horizontal", [(), (1,)]),
        ("vertical", [(), (0,)]),
        ("horizontal_and_vertical", [(), (0,), (1,), (0, 1)]),
    ],
)
def test_flip(mode: str, axes: list[tuple[int, ...]]) -> None:
    counts = np.zeros(len(axes))
    for pictures in seen(md.augment.Flip(mode), epochs=8):
        for picture, original in zip(pictures, PICTURES, strict=True):
            hits = matches(picture, [np.flip(original, axis) for axis in axes])
            assert len(hits) == 1
            counts[hits[0]] += 1
    assert np.abs(counts / counts.sum() - 1 / len(axes)).max() < 0.12


def test_flat_samples_with_a_shape() -> None:
    flat = PICTURES.reshape(40, 12)
    steps = [md.augment.Flip(shape=(3, 4)), md.augment.Shift(1, shape=(3, 4))]
    whole = seen([md.augment.Flip(), md.augment.Shift(1)])
    assert np.array_equal(seen(steps, flat).reshape(whole.shape), whole)


def test_steps_are_taken_in_order() -> None:
    one, two = md.augment.Shift(2, fill=9.0), md.augment.Noise(0.1)
    noisy = seen([two, one])[0]
    clean_fill = np.isclose(noisy, 9.0, atol=1e-4).sum()
    assert clean_fill > 20  # filled after the noise
    assert np.isclose(seen([one, two])[0], 9.0, atol=1e-4).sum() < clean_fill / 5


# ---- bits ---------------------------------------------------------------------------------------

ALL = [md.augment.Flip("horizontal_and_vertical"), md.augment.Shift(1), md.augment.Noise(0.3)]


def trained(threads: int = 1, augment: Any = ALL, batch: int = 16) -> md.Model:
    model = md.Model([md.layers.Flatten(), md.layers.Dense(9, "tanh"), md.layers.Dense(1)], seed=2)
    model.compile(md.optimizers.Adam(1e-2), "mse")
    with md.runtime.threads(threads):
        model.fit(PICTURES / 100, TARGETS + 1, batch, epochs=4, augment=augment, verbose=0)
    return model


def weights(model: md.Model) -> Any:
    return np.concatenate([w.ravel() for w in model.get_weights()])


def jitter(x: Any, rng: np.random.Generator) -> Any:
    return x + rng.normal(0, 0.3, size=x.shape)


@pytest.mark.parametrize("augment", [ALL, jitter], ids=["native", "callable"])
def test_the_bits_do_not_depend_on_threads(augment: Any) -> None:
    one = weights(trained(1, augment))
    assert np.array_equal(one, weights(trained(2, augment)))
    assert np.array_equal(one, weights(trained(5, augment)))
    assert not np.array_equal(one, weights(trained(1, None)))


def test_the_bits_do_not_depend_on_the_instruction_set() -> None:
    widest = md.isa()
    one = weights(trained())
    try:
        for name in md.build_info()["isas_available"]:
            md.runtime.set_isa(name)
            assert np.array_equal(weights(trained()), one), name
    finally:
        md.runtime.set_isa(widest)


def test_batches_of_an_iterable_are_augmented_as_those_of_an_array() -> None:
    x = PICTURES / 100

    def batches() -> Any:
        for start in range(0, 40, 16):
            yield x[start : start + 16], TARGETS[start : start + 16] + 1

    for augment in (ALL, jitter):
        models = [trained(batch=40, augment=None) for _ in range(2)]
        models[0].fit(x, TARGETS + 1, 16, shuffle=False, augment=augment, verbose=0)
        models[1].fit(batches(), augment=augment, verbose=0)
        assert np.array_equal(weights(models[0]), weights(models[1]))


def test_evaluation_and_prediction_are_not_augmented() -> None:
    model = trained()
    x = PICTURES / 100
    history = model.fit(
        x, TARGETS, epochs=1, validation_data=(x, TARGETS), augment=ALL, verbose=0
    ).history
    assert history["val_loss"][0] == pytest.approx(model.evaluate(x, TARGETS, verbose=0))
    assert np.array_equal(model.predict(x), model.predict(x))


def test_the_caller_s_arrays_stay_as_they_are() -> None:
    x = PICTURES.copy()
    model = spy_model()
    model.compile("sgd", "mse")
    model.fit(x, np.zeros((40, 12)), augment=ALL, verbose=0)
    assert np.array_equal(x, PICTURES)


# ---- callables ----------------------------------------------------------------------------------


def test_a_callable_sees_batches_in_the_model_s_dtype() -> None:
    got = []

    def look(x: Any, rng: np.random.Generator) -> Any:
        got.append((x.shape, x.dtype, rng.integers(2**62)))
        return x

    x = PICTURES.astype(np.uint8)
    plain, looked = spy_model(), spy_model()
    for model in (plain, looked):
        model.compile("sgd", "mse")
    plain.fit(x, np.zeros((40, 12)), 16, epochs=2, verbose=0)
    looked.fit(x, np.zeros((40, 12)), 16, epochs=2, augment=look, verbose=0)
    assert [shape for shape, _, _ in got] == [(16, 3, 4), (16, 3, 4), (8, 3, 4)] * 2
    assert {dtype for _, dtype, _ in got} == {np.dtype(np.float32)}
    assert len({draw for _, _, draw in got}) == 6
    assert np.array_equal(weights(plain), weights(looked))


def test_a_callable_goes_with_weights_and_splits(blobs: Any, classifier: Any) -> None:
    x, y = blobs
    options: dict[str, Any] = {"validation_split": 0.2, "class_weight": {0: 2.0}, "verbose": 0}
    one, two = classifier(), classifier()
    first = one.fit(x, y, sample_weight=np.linspace(0, 1, 300), **options)
    second = two.fit(
        x, y, sample_weight=np.linspace(0, 1, 300), augment=lambda x, rng: x, **options
    )
    assert np.array_equal(weights(one), weights(two))
    for name, values in first.history.items():
        assert second.history[name] == pytest.approx(values, rel=1e-6)


# ---- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("augment", "x", "error", "words"),
    [
        ("noise", PICTURES, TypeError, "augment must be a Noise, Shift or Flip"),
        ([jitter], PICTURES, TypeError, "augment must be"),
        (md.augment.Noise, PICTURES, TypeError, "augment must be"),
        (md.augment.Flip(), PICTURES.reshape(40, 12), ValueError, "shape=(height, width)"),
        (md.augment.Flip(shape=(3, 3)), PICTURES.reshape(40, 12), ValueError, "does not suit"),
        (md.augment.Flip(shape=(4, 3)), PICTURES, ValueError, "does not suit samples of (3, 4)"),
        (md.augment.Shift(3), PICTURES, ValueError, "up to 3 rows and 3 columns"),
        (md.augment.Shift(0, 4), PICTURES, ValueError, "pictures have 3 and 4"),
        (lambda x, rng: x[:2], PICTURES, ValueError, "augment must keep the shape of a batch"),
        (lambda x, rng: None, PICTURES, TypeError, "what augment returned must be an array"),
    ],
)
def test_bad_augmentation(augment: Any, x: Any, error: type[Exception], words: str) -> None:
    model = spy_model()
    model.compile("sgd", "mse")
    with pytest.raises(error) as caught:
        model.fit(x, np.zeros((40, 12)), augment=augment, verbose=0)
    assert words in str(caught.value)


class Squares(md.Loss):
    """Written in Python."""

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        return float(np.mean((y_pred - y_true) ** 2))

    def gradient(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return 2 * (y_pred - y_true) / y_pred.size


@pytest.mark.parametrize(
    "compiled",
    [{"loss": Squares()}, {"loss": "mse", "metrics": ["r2"]}],
    ids=["loss", "metric"],
)
def test_a_function_augments_whatever_looks_at_targets(compiled: dict[str, Any]) -> None:
    model, plain = spy_model(), spy_model()
    model.compile("sgd", **compiled)
    plain.compile("sgd", "mse")
    y = np.linspace(0, 1, 480).reshape(40, 12)
    one, two = (m.fit(PICTURES, y, augment=jitter, verbose=0).history for m in (model, plain))
    assert one["loss"] == pytest.approx(two["loss"], rel=1e-5)
    assert all(map(np.isfinite, one[model.metrics_names[-1]]))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: md.augment.Noise(-1), ValueError, "stddev must be"),
        (lambda: md.augment.Noise(std=1), TypeError, "did you mean 'stddev'"),
        (lambda: md.augment.Shift(-1), ValueError, "rows must be >= 0"),
        (lambda: md.augment.Shift(1.5), TypeError, "rows must be an integer"),
        (lambda: md.augment.Flip("sideways"), ValueError, "unknown mode 'sideways'"),
        (lambda: md.augment.Flip(3), TypeError, "mode must be one of 'horizontal'"),
        (lambda: md.augment.Flip(shape=(3,)), ValueError, "shape must be (height, width"),
        (lambda: md.augment.Crop, AttributeError, "mundur.augment has no 'Crop'"),
    ],
)
def test_bad_arguments(make: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        make()
    assert words in str(caught.value)


def test_the_core_checks_too() -> None:
    model = spy_model(input_shape=(3, 4))
    model.compile("sgd", "mse")
    data = md.data.dataset.Dataset(PICTURES, np.zeros((40, 12)), None, "x")
    trainer = md.training.passes.make_trainer(model, data, 8, False, False)
    with pytest.raises(ValueError, match="do not have the size of a sample"):
        trainer.set_augment([_core.Augmentation.flip((5, 5, 1), True, False)])
    with pytest.raises(ValueError, match="as long as the picture"):
        trainer.set_augment([_core.Augmentation.shift((3, 4, 1), 3, 0, 0.0)])
