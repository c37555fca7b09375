"""Metrics by hand and losses as functions, with every argument, against Keras."""

from __future__ import annotations

from typing import Any

import mundur as md
import numpy as np
import pytest

import keras_shared  # noqa: F401 - chooses Keras's backend

keras = pytest.importorskip("keras", reason="install the extra 'keras'")
pytestmark = [
    pytest.mark.keras,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:You are passing weight as `float`:UserWarning"),
]

N, C = 60, 4


def sample(kind: str, rng: np.random.Generator) -> tuple[Any, Any]:
    """Targets and predictions."""
    p = rng.random((N, C)).astype(np.float32)
    rows = p / p.sum(axis=1, keepdims=True)
    labels = rng.integers(0, C, N)
    one_hot = np.eye(C, dtype=np.float32)[labels]
    bits = rng.integers(0, 2, (N, C)).astype(np.float32)
    return {
        "flat bits": (bits[:, 0], p[:, 0]),
        "bits": (bits, p),
        "signs": (bits * 2 - 1, p * 4 - 2),
        "one-hot": (one_hot, rows),
        "labels": (labels, rows),
        "classes": (labels, rng.integers(0, C, N)),
        "numbers": (rng.normal(size=(N, C)).astype(np.float32), p),
        "counts": (rng.poisson(2, (N, C)).astype(np.float32), p),
        "steps": (bits.reshape(15, 4, C), p.reshape(15, 4, C)),
        "directions": (labels, (p - 0.5) / np.linalg.norm(p - 0.5, axis=1, keepdims=True)),
    }[kind]


MANY = [0.1, 0.5, 0.25, 0.9]
METRICS: list[tuple[str, dict[str, Any], str]] = [
    *(
        (name, arguments, kind)
        for name in ("TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives")
        for arguments in ({}, {"thresholds": 0.3}, {"thresholds": MANY})
        for kind in ("flat bits", "bits", "steps")
    ),
    *(
        (name, arguments, kind)
        for name in ("Precision", "Recall")
        for arguments, kind in (
            ({"thresholds": MANY}, "bits"),
            ({"top_k": 2}, "one-hot"),
            ({"top_k": 2}, "flat bits"),
            ({"top_k": 2, "thresholds": 0.6}, "bits"),
            ({"class_id": 2}, "bits"),
            ({"class_id": 1, "top_k": 3}, "one-hot"),
        )
    ),
    *(
        (name, {first: level, "num_thresholds": count, **more}, kind)
        for name, first in (
            ("SensitivityAtSpecificity", "specificity"),
            ("SpecificityAtSensitivity", "sensitivity"),
            ("PrecisionAtRecall", "recall"),
            ("RecallAtPrecision", "precision"),
        )
        for level in (0.3, 0.6)
        for count in (1, 2, 30, 200)
        for more, kind in (({}, "flat bits"), ({}, "bits"), ({"class_id": 1}, "bits"))
    ),
    *(
        ("AUC", {"curve": curve, "summation_method": method, "num_thresholds": 51, **more}, kind)
        for curve in ("ROC", "PR", "PRGAIN")
        for method in ("interpolation", "minoring", "majoring")
        for more, kind in (
            ({}, "flat bits"),
            ({}, "bits"),
            ({"multi_label": True}, "bits"),
            ({"multi_label": True, "label_weights": [1.0, 0.5, 2.0, 0.0]}, "bits"),
            ({"label_weights": [1.0, 0.5, 2.0, 0.0]}, "bits"),
        )
    ),
    ("AUC", {"thresholds": MANY}, "bits"),
    ("AUC", {"thresholds": MANY, "from_logits": True}, "bits"),
    *(
        ("FBetaScore", {"average": average, "beta": beta, "threshold": threshold}, "one-hot")
        for average in (None, "micro", "macro", "weighted")
        for beta in (0.5, 2.0)
        for threshold in (None, 0.3)
    ),
    ("IoU", {"num_classes": C, "target_class_ids": [0, 2]}, "classes"),
    ("IoU", {"num_classes": C, "target_class_ids": [1], "ignore_class": 0}, "classes"),
    ("IoU", {"num_classes": C, "target_class_ids": [1], "sparse_y_pred": False}, "labels"),
    ("MeanIoU", {"num_classes": C}, "classes"),
    ("MeanIoU", {"num_classes": C + 2}, "classes"),
    ("MeanIoU", {"num_classes": C, "sparse_y_true": False, "sparse_y_pred": False}, "one-hot"),
    ("BinaryIoU", {}, "flat bits"),
    ("BinaryIoU", {"target_class_ids": [1], "threshold": 0.3}, "bits"),
    ("OneHotIoU", {"num_classes": C, "target_class_ids": [0, 1]}, "one-hot"),
    ("OneHotMeanIoU", {"num_classes": C, "ignore_class": 3}, "one-hot"),
    ("Accuracy", {}, "classes"),
    ("BinaryAccuracy", {"threshold": 0.3}, "bits"),
    ("BinaryAccuracy", {"threshold": 0.3}, "steps"),
    ("TopKCategoricalAccuracy", {"k": 2}, "one-hot"),
    ("BinaryCrossentropy", {}, "bits"),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, "bits"),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, "one-hot"),
    ("CategoricalCrossentropy", {"from_logits": True}, "one-hot"),
    ("SparseCategoricalCrossentropy", {}, "labels"),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "labels"),
    ("KLDivergence", {}, "one-hot"),
    ("Poisson", {}, "counts"),
    ("Hinge", {}, "signs"),
    ("SquaredHinge", {}, "signs"),
    ("CategoricalHinge", {}, "one-hot"),
    ("LogCoshError", {}, "numbers"),
    ("CosineSimilarity", {}, "numbers"),
    ("CosineSimilarity", {"axis": 1}, "steps"),
    ("MeanSquaredLogarithmicError", {}, "numbers"),
    *(
        ("R2Score", {"class_aggregation": how, "num_regressors": count}, "numbers")
        for how in (None, "uniform_average", "variance_weighted_average")
        for count in (0,)  # more: see the differences
    ),
]
ids = [f"{name}-{'-'.join(map(str, a.values()))}-{kind}" for name, a, kind in METRICS]


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize(("name", "arguments", "kind"), METRICS, ids=ids)
def test_metrics_by_hand(
    name: str, arguments: dict[str, Any], kind: str, weighted: bool, rng: np.random.Generator
) -> None:
    y, p = sample(kind, rng)
    ours = getattr(md.metrics, name)(**arguments)
    theirs = getattr(keras.metrics, name)(**arguments)
    if name.endswith("IoU"):
        theirs = getattr(keras.metrics, name)(**arguments, dtype="float32")
    if weighted and arguments.get("top_k") and kind == "flat bits":
        pytest.skip("Keras weighs a flat array as one row")
    for part in (slice(0, 7), slice(7, None)):
        weight = rng.integers(0, 4, len(y[part])).astype(np.float32)
        given = weight.reshape(-1, *(1,) * (p.ndim - 1))
        if name == "BinaryIoU":
            given = np.broadcast_to(given, p[part].shape)
        if name in ("FBetaScore", "R2Score") or p.ndim == 1 or "Crossentropy" in name:
            given = weight
        more = {"sample_weight": given} if weighted else {}
        ours.update_state(y[part], p[part], *([weight] if weighted else []))
        theirs.update_state(y[part], p[part], **more)
    expected = keras.ops.convert_to_numpy(theirs.result())
    np.testing.assert_allclose(ours.result(), expected, rtol=3e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["Mean", "Sum"])
def test_means_and_sums(name: str, rng: np.random.Generator) -> None:
    ours, theirs = getattr(md.metrics, name)(), getattr(keras.metrics, name)()
    for values, weight in (
        (3.0, None),
        ([1.0, 3.0, 5.0], None),
        ([1.0, 3.0], [2.0, 0.5]),
        ([[1.0, 3.0], [2.0, 4.0]], [[1.0, 0.0], [2.0, 1.0]]),
        (2.0, 0.5),
    ):
        array = np.asarray(values, np.float32)
        weights = None if weight is None else np.asarray(weight, np.float32)
        if name == "Mean" and array.ndim == 2:
            continue  # Keras counts rows where weights are of elements
        ours.update_state(values, weight)
        theirs.update_state(array, weights)
        assert ours.result() == pytest.approx(float(theirs.result()), rel=1e-6)
    ours.reset_state()
    assert ours.result() == 0


FUNCTIONS: list[tuple[str, dict[str, Any], str]] = [
    *((f"mean_{name}_error", {}, "numbers") for name in ("squared", "absolute")),
    ("mean_absolute_percentage_error", {}, "counts"),
    ("mean_squared_logarithmic_error", {}, "numbers"),
    ("huber", {"delta": 0.4}, "numbers"),
    ("log_cosh", {}, "numbers"),
    ("poisson", {}, "counts"),
    ("cosine_similarity", {}, "numbers"),
    ("cosine_similarity", {"axis": 1}, "steps"),
    ("hinge", {}, "signs"),
    ("squared_hinge", {}, "signs"),
    ("categorical_hinge", {}, "one-hot"),
    ("kl_divergence", {}, "one-hot"),
    ("binary_crossentropy", {}, "bits"),
    ("binary_crossentropy", {"from_logits": True, "label_smoothing": 0.1}, "steps"),
    ("binary_crossentropy", {"axis": 1}, "steps"),
    ("categorical_crossentropy", {"label_smoothing": 0.1}, "one-hot"),
    ("categorical_crossentropy", {"from_logits": True}, "one-hot"),
    ("sparse_categorical_crossentropy", {}, "labels"),
    ("sparse_categorical_crossentropy", {"from_logits": True, "ignore_class": 1}, "labels"),
    ("binary_focal_crossentropy", {"gamma": 1.5, "apply_class_balancing": True}, "bits"),
    ("categorical_focal_crossentropy", {"alpha": 0.4}, "one-hot"),
    ("dice", {}, "steps"),
    ("dice", {"axis": (1, 2)}, "steps"),
    ("tversky", {"alpha": 0.3, "beta": 0.8}, "bits"),
    ("tversky", {"alpha": 0.3, "axis": 1}, "bits"),
    ("circle", {}, "directions"),
    ("circle", {"gamma": 3, "margin": 0.1, "remove_diagonal": False}, "directions"),
]


@pytest.mark.parametrize(("name", "arguments", "kind"), FUNCTIONS)
def test_losses_as_functions(
    name: str, arguments: dict[str, Any], kind: str, rng: np.random.Generator
) -> None:
    y, p = sample(kind, rng)
    ours = getattr(md.losses, name)(y, p, **arguments)
    theirs = keras.ops.convert_to_numpy(getattr(keras.losses, name)(y, p, **arguments))
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=3e-5, atol=1e-6)


ACCURACIES: list[tuple[str, dict[str, Any], str]] = [
    ("binary_accuracy", {}, "bits"),
    ("binary_accuracy", {"threshold": 0.3}, "steps"),
    ("categorical_accuracy", {}, "one-hot"),
    ("sparse_categorical_accuracy", {}, "labels"),
    ("top_k_categorical_accuracy", {"k": 2}, "one-hot"),
    ("sparse_top_k_categorical_accuracy", {"k": 2}, "labels"),
]


@pytest.mark.parametrize(("name", "arguments", "kind"), ACCURACIES)
def test_accuracies_as_functions(
    name: str, arguments: dict[str, Any], kind: str, rng: np.random.Generator
) -> None:
    y, p = sample(kind, rng)
    ours = getattr(md.metrics, name)(y, p, **arguments)
    theirs = keras.ops.convert_to_numpy(getattr(keras.metrics, name)(y, p, **arguments))
    assert ours.shape == theirs.shape
    np.testing.assert_array_equal(ours, theirs)


def test_all_functions_of_keras_are_there() -> None:
    names = [name for name in dir(keras.metrics) if name.islower() and name[0] != "_"]
    of_correlation = {"concordance_correlation", "pearson_correlation"}  # nor are their classes
    assert set(names) - set(md.metrics.__all__) == {"deserialize", "serialize"} | of_correlation


@pytest.mark.parametrize("reduction", [None, "none", "sum", "mean", "mean_with_sample_weight"])
@pytest.mark.parametrize("name", ["MeanSquaredError", "SparseCategoricalCrossentropy"])
def test_reductions(name: str, reduction: Any, rng: np.random.Generator) -> None:
    p = rng.dirichlet(np.ones(C), (6, 5)).astype(np.float32)
    sparse = name.startswith("Sparse")
    y: Any = rng.integers(0, C, (6, 5)) if sparse else rng.normal(size=p.shape).astype(np.float32)
    ours, theirs = (getattr(lib.losses, name)(reduction=reduction) for lib in (md, keras))
    np.testing.assert_allclose(ours(y, p), np.asarray(theirs(y, p)), rtol=1e-5)
    if reduction == "mean":
        return  # Keras divides by n: see the differences
    weight = rng.uniform(0.5, 2, (6, 5)).astype(np.float32)
    np.testing.assert_allclose(ours(y, p, weight), np.asarray(theirs(y, p, weight)), rtol=1e-5)


def test_ignored_classes(rng: np.random.Generator) -> None:
    y, p = rng.integers(-1, C, (6, 5)), rng.dirichlet(np.ones(C), (6, 5)).astype(np.float32)
    ours, theirs = (
        lib.losses.SparseCategoricalCrossentropy(ignore_class=-1) for lib in (md, keras)
    )
    assert ours(y, p) == pytest.approx(float(theirs(y, p)), rel=1e-5)


def test_negative_numbers_count_as_none_in_logarithms() -> None:
    y, p = np.array([[-1.0, 2.0]], np.float32), np.array([[0.5, -3.0]], np.float32)
    ours, theirs = (lib.losses.MeanSquaredLogarithmicError()(y, p) for lib in (md, keras))
    assert ours == pytest.approx(float(theirs), rel=1e-5)


def test_what_keras_serialises_is_read() -> None:
    for module, theirs in (
        ("optimizers", keras.optimizers.Adam(0.02, beta_1=0.8, clipnorm=1.0)),
        ("losses", keras.losses.Huber(0.3)),
        ("losses", keras.losses.BinaryCrossentropy(from_logits=True)),
        ("metrics", keras.metrics.Precision(thresholds=0.3)),
    ):
        serialised = getattr(keras, module).serialize(theirs)
        ours = getattr(md, module).get(serialised)
        assert type(ours).__name__ == type(theirs).__name__
        known = ours.get_config()
        for name, value in theirs.get_config().items():
            if name in known and name not in ("name", "weight_decay"):
                assert known[name] == pytest.approx(value), name
