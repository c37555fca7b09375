"""Losses and metrics over time steps: each step of a sample is a row, masked ones are none."""

from __future__ import annotations

from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest
from mundur import reference

Array = npt.NDArray[Any]
SAMPLES, STEPS, CLASSES = 37, 5, 4


def data() -> tuple[Array, Array, Array]:
    """Ids, of which 0 is padding, a class for each step, and weights."""
    rng = np.random.default_rng(3)
    x = rng.integers(1, 9, size=(SAMPLES, STEPS))
    for row, length in zip(x, rng.integers(0, STEPS + 1, size=SAMPLES), strict=True):
        row[length:] = 0
    return x, rng.integers(0, CLASSES, size=x.shape), rng.uniform(0.5, 2, size=SAMPLES)


def tagger(mask_zero: bool, outputs: int = CLASSES, dtype: str = "float64") -> md.Model:
    return md.Model(
        [md.layers.Embedding(9, 6, mask_zero=mask_zero), md.layers.Dense(outputs)],
        seed=2,
        dtype=dtype,
        input_shape=(STEPS,),
    )


def logs_of(model: md.Model, *arguments: Any, **options: Any) -> dict[str, float]:
    found = model.evaluate(*arguments, return_dict=True, verbose=0, **options)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("mask_zero", [False, True], ids=["whole", "masked"])
@pytest.mark.parametrize("one_hot", [False, True], ids=["labels", "one_hot"])
def test_a_class_for_each_step(one_hot: bool, mask_zero: bool, weighted: bool) -> None:
    x, y, weights = data()
    model = tagger(mask_zero)
    loss = md.losses.SparseCategoricalCrossentropy(from_logits=True)
    targets: Array = y
    if one_hot:
        loss = md.losses.CategoricalCrossentropy(from_logits=True)  # type: ignore[assignment]
        targets = md.utils.to_categorical(y, CLASSES)
    model.compile(md.optimizers.SGD(0.5), loss, metrics=["accuracy"])
    z = model.predict(x, verbose=0)
    p = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
    each = -np.log(np.take_along_axis(p, y[..., None], axis=-1))[..., 0]
    there = x != 0 if mask_zero else np.ones_like(x, bool)
    weight = there * (weights[:, None] if weighted else 1.0)
    logs = logs_of(
        model, x, targets, sample_weight=weights if weighted else None, batch_size=SAMPLES
    )
    assert logs["loss"] == pytest.approx((each * weight).sum() / weight.sum(), rel=1e-12)
    assert logs["accuracy"] == pytest.approx((z.argmax(axis=-1) == y)[there].mean())

    # One step of descent, written out.
    before = {name: value.copy() for name, value in model.parameters.items()}
    model.train_on_batch(x, targets, sample_weight=weights if weighted else None)
    delta = (p - np.eye(CLASSES)[y]) * (weight / weight.sum())[..., None]
    bias = before["dense/bias"] - 0.5 * delta.sum(axis=(0, 1))
    np.testing.assert_allclose(model.parameters["dense/bias"], bias, rtol=1e-10)
    table = np.zeros((9, 6))
    np.add.at(table, x, delta @ before["dense/kernel"].T)
    expected = before["embedding/embeddings"] - 0.5 * table
    np.testing.assert_allclose(model.parameters["embedding/embeddings"], expected, rtol=1e-10)


@pytest.mark.parametrize("mask_zero", [False, True], ids=["whole", "masked"])
def test_a_number_for_each_step(mask_zero: bool) -> None:
    x, _, weights = data()
    y = np.random.default_rng(5).normal(size=x.shape)
    model = tagger(mask_zero, outputs=1)
    model.compile("sgd", "mse", metrics=["mae"] if not mask_zero else [])
    p = model.predict(x, verbose=0)[..., 0]
    weight = weights[:, None] * ((x != 0) if mask_zero else np.ones_like(x))
    expected = ((p - y) ** 2 * weight).sum() / weight.sum()
    logs = logs_of(model, x, y, sample_weight=weights)
    assert logs["loss"] == pytest.approx(expected, rel=1e-12)


def test_by_hand_equals_fit_without_a_mask() -> None:
    x, y, _ = data()
    fitted, by_hand = tagger(False, dtype="float32"), tagger(False, dtype="float32")
    loss = md.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = md.optimizers.Adam(0.01)
    fitted.compile(md.optimizers.Adam(0.01), loss)
    fitted.fit(x, y, batch_size=10, epochs=2, shuffle=False, verbose=0)
    for _ in range(2):
        for i in range(0, SAMPLES, 10):
            part = slice(i, i + 10)
            by_hand.backward(loss.gradient(y[part], by_hand.forward(x[part], training=True)))
            optimizer.step(by_hand)
    for name, value in fitted.parameters.items():
        np.testing.assert_array_equal(value, by_hand.parameters[name], err_msg=name)


def test_a_batch_of_padding_alone_changes_nothing() -> None:
    model = tagger(True)
    model.compile(
        "adam", md.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    before = model.get_weights()
    logs = model.train_on_batch(
        np.zeros((4, STEPS), int), np.ones((4, STEPS), int), return_dict=True
    )
    assert logs == {"loss": 0.0, "accuracy": 0.0}
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("mask_zero", [False, True], ids=["whole", "masked"])
def test_the_same_bits_everywhere(mask_zero: bool, same_everywhere: Any) -> None:
    x, y, weights = data()
    x, y, weights = np.tile(x, (20, 1)), np.tile(y, (20, 1)), np.tile(weights, 20)

    def trained() -> tuple[list[bytes], dict[str, list[float]]]:
        model = tagger(mask_zero, dtype="float32")
        loss = md.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, metrics=["accuracy"])
        history = model.fit(x, y, 300, 2, sample_weight=weights, verbose=0)
        return [w.tobytes() for w in model.get_weights()], history.history

    same_everywhere(trained)


def test_bad_targets_of_steps_are_named() -> None:
    x, y, _ = data()
    model = tagger(False)
    model.compile("sgd", md.losses.SparseCategoricalCrossentropy(from_logits=True))
    with pytest.raises(ValueError, match=rf"y must hold labels of shape \({SAMPLES}, {STEPS}\)"):
        model.fit(x, y[:, 0], verbose=0)
    with pytest.raises(ValueError, match=r"labels in \[0, 4\).*sample 0"):
        model.fit(x, y + 4, verbose=0)
    with pytest.raises(ValueError, match=r"class_weight needs one class per sample.*sample_weight"):
        model.fit(x, y, class_weight={0: 2.0}, verbose=0)


@pytest.mark.parametrize(
    "name", ["SparseCategoricalCrossentropy", "CategoricalCrossentropy", "MeanSquaredError"]
)
def test_the_textbook_has_rows_too(name: str) -> None:
    _, y, weights = data()
    rng = np.random.default_rng(1)
    p = rng.normal(size=(SAMPLES, STEPS, CLASSES))
    arguments = {} if name == "MeanSquaredError" else {"from_logits": True}
    targets = y if name.startswith("Sparse") else md.utils.to_categorical(y, CLASSES)
    native = getattr(md.losses, name)(**arguments)
    textbook = getattr(reference.losses, name)(**arguments)
    listed = targets.tolist(), p.tolist(), weights.tolist()
    assert native(targets, p, weights) == pytest.approx(textbook(*listed), rel=1e-12)
    np.testing.assert_allclose(native.gradient(targets, p, weights), textbook.gradient(*listed))


def masked(loss: Any, metrics: list[Any] | None = None) -> md.Model:
    model = tagger(True, outputs=1)
    model.compile("sgd", loss, metrics=metrics)
    return model


def test_by_hand_equals_fit_with_weights_of_steps() -> None:
    x, _, weights = data()
    y = np.random.default_rng(5).normal(size=(*x.shape, 1))
    loss = md.losses.MeanSquaredError()
    fitted, by_hand = masked(loss), masked(loss)
    assert by_hand.optimizer is not None
    for _ in range(3):
        fitted.train_on_batch(x, y, sample_weight=weights)
        steps = weights[:, None] * (x != 0)
        y_pred = by_hand.forward(x, training=True)
        by_hand.backward(loss.gradient(y, y_pred, steps))
        by_hand.optimizer.step(by_hand)
    for name, value in fitted.parameters.items():
        np.testing.assert_array_equal(value, by_hand.parameters[name], err_msg=name)
    with pytest.raises(ValueError, match=rf"\({SAMPLES},\) or \({SAMPLES}, {STEPS}\)"):
        loss(y, y_pred, np.ones((SAMPLES, STEPS + 1)))


def test_what_knows_no_mask_is_refused() -> None:
    class Own(md.Loss):
        def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
            return float(np.mean((y_pred - y_true) ** 2))

        def gradient(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Array:
            return np.asarray(2 * (y_pred - y_true) / y_pred.size)

    x, _, _ = data()
    y = np.zeros((*x.shape, 1))
    for model, name in (
        (masked("mse", ["mae"]), "mae|mean_absolute_error"),
        (masked(Own()), "Own"),
    ):
        for call in (model.fit, model.evaluate):
            with pytest.raises(ValueError, match=rf"{name}.*mask_zero"):
                call(x, y, verbose=0)
