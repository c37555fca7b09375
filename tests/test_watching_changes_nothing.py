"""What is asked about a training never changes a bit of it: metrics, masks, validation, bars."""

from __future__ import annotations

from typing import Any

import mundur as md
import numpy as np
import numpy.typing as npt
import pytest

from cases import LOSSES, LossCase

Array = npt.NDArray[Any]
L = md.layers
SAMPLES, STEPS = 70, 3


def targets(case: LossCase, rng: np.random.Generator) -> Array:
    shape = (SAMPLES, STEPS, case.outputs)
    if case.targets == "labels":
        return rng.integers(0, case.outputs, size=shape[:2])
    if case.targets == "rows":
        return rng.dirichlet(np.ones(case.outputs), size=shape[:2])
    if case.targets == "one-hot":
        return np.eye(case.outputs)[rng.integers(0, case.outputs, size=shape[:2])]
    if case.targets == "counts":
        return rng.poisson(2.0, size=shape).astype(float)
    if case.targets == "bits":
        return rng.integers(0, 2, size=shape).astype(float)
    if case.targets == "signs":
        return np.where(rng.normal(size=shape) > 0, 1.0, -1.0)
    return rng.normal(size=shape)


def trained(
    case: LossCase,
    reduction: str,
    weighted: bool,
    mask: bool = False,
    metrics: list[Any] | None = None,
    **options: Any,
) -> tuple[list[bytes], list[float], float]:
    rng = np.random.default_rng(6)
    x, y = rng.integers(1, 9, size=(SAMPLES, STEPS)), targets(case, rng)
    weights = rng.uniform(0.3, 2.0, size=SAMPLES) if weighted else None
    head = "softplus" if case.loss == "Poisson" else case.head
    model = md.Model(
        [L.Embedding(9, 6, mask_zero=mask), L.Dense(case.outputs, head)],
        input_shape=(STEPS,),
        seed=2,
    )
    loss = getattr(md.losses, case.loss)(**case.arguments, reduction=reduction)
    model.compile(md.optimizers.SGD(0.01), loss, metrics=metrics)
    options = {"verbose": 0} | options
    if "validation_data" in options:
        options["validation_data"] = (x[:9], y[:9])
    history = model.fit(x, y, 32, 2, sample_weight=weights, **options)
    value = model.evaluate(x, y, 16, verbose=0, sample_weight=weights)
    value = value[0] if isinstance(value, list) else value
    assert isinstance(value, float)
    return [w.tobytes() for w in model.get_weights()], history.history["loss"], value


@pytest.mark.share(3)
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum"])
@pytest.mark.parametrize("case", LOSSES, ids=lambda case: case.id)
def test_no_question_changes_an_answer(case: LossCase, reduction: str, weighted: bool) -> None:
    plain = trained(case, reduction, weighted)
    told = md.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    questions: dict[str, dict[str, Any]] = {
        "accuracy": {"metrics": ["accuracy"]},
        "a metric by NumPy": {"metrics": [lambda y, p: float(np.mean(p))]},
        "a mask without masked steps": {"mask": True},
        "a mask and accuracy": {"mask": True, "metrics": ["accuracy"]},
        "validation": {"validation_data": True},
        "bars": {"verbose": 1},
        "callbacks": {"callbacks": [told]},
    }
    for name, options in questions.items():
        assert trained(case, reduction, weighted, **options) == plain, name


@pytest.mark.parametrize("case", LOSSES, ids=lambda case: case.id)
def test_a_sum_adds_up_the_samples(case: LossCase) -> None:
    """As many times the mean as there are time steps."""
    rng = np.random.default_rng(7)
    y = targets(case, rng)
    p = rng.dirichlet(np.ones(max(case.outputs, 2)), size=(SAMPLES, STEPS))[..., : case.outputs]
    mean = getattr(md.losses, case.loss)(**case.arguments)
    total = getattr(md.losses, case.loss)(**case.arguments, reduction="sum")
    each = getattr(md.losses, case.loss)(**case.arguments, reduction=None)
    values = each(y, p)
    assert values.shape == (SAMPLES, STEPS)
    np.testing.assert_allclose(total(y, p), values.sum(), rtol=1e-12)
    np.testing.assert_allclose(total(y, p), mean(y, p) * values.size, rtol=1e-12)
    np.testing.assert_allclose(
        total.gradient(y, p), mean.gradient(y, p) * values.size, rtol=1e-12, atol=1e-300
    )
    steps = rng.uniform(0.5, 2.0, size=(SAMPLES, STEPS))
    weighed = (each(y, p, steps) * (1.0 if values.ndim == 2 else 1 / STEPS)).sum()
    np.testing.assert_allclose(total(y, p, steps), weighed, rtol=1e-12)


def test_the_sum_of_the_report() -> None:
    """T = 3: adding a metric made 41.37 of 13.79."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(10, 3, 2)), rng.normal(size=(10, 3, 2))
    losses = []
    for metrics in ([], ["accuracy"]):
        model = md.Model([L.Dense(2)], input_shape=(3, 2), seed=0, dtype="float64")
        loss = md.losses.MeanSquaredError(reduction="sum")
        model.compile("sgd", loss, metrics=metrics)
        p = model.predict(x, verbose=0)
        losses.append(model.train_on_batch(x, y, return_dict=True)["loss"])  # type: ignore
        assert losses[-1] == pytest.approx(((p - y) ** 2).mean(axis=2).sum(), rel=1e-12)
        assert losses[-1] == loss(y, p)
