"""Metrics beside accuracies: their numbers, and how fit and evaluate take them over a whole set."""

from __future__ import annotations

from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur import reference

M = md.metrics

# Name, arguments, the textbook's function, what it takes: "bits", "rows", "labels" or "real".
CASES = [
    ("MeanAbsoluteError", {}, "mean_absolute_error", "real"),
    ("MeanSquaredError", {}, "mean_squared_error", "real"),
    ("RootMeanSquaredError", {}, "root_mean_squared_error", "real"),
    ("MeanAbsolutePercentageError", {}, "mean_absolute_percentage_error", "real"),
    ("MeanSquaredLogarithmicError", {}, "mean_squared_logarithmic_error", "real"),
    ("R2Score", {}, "r2_score", "real"),
    ("Precision", {}, "precision", "bits"),
    ("Precision", {"thresholds": 0.3}, "precision", "bits"),
    ("Recall", {}, "recall", "bits"),
    ("F1Score", {"average": "micro", "threshold": 0.5}, "f1_score", "bits"),
    ("FBetaScore", {"average": "micro", "beta": 2.5, "threshold": 0.3}, "fbeta_score", "bits"),
    ("RecallAtPrecision", {"precision": 0.55}, "recall_at_precision", "bits"),
    ("MeanIoU", {"num_classes": 5}, "mean_iou", "classes"),
    ("AUC", {}, "auc", "bits"),
    ("AUC", {"curve": "PR"}, "area_under_precision", "bits"),
    ("TopKCategoricalAccuracy", {"k": 2}, "top_k_categorical_accuracy", "rows"),
    ("SparseTopKCategoricalAccuracy", {"k": 3}, "sparse_top_k_categorical_accuracy", "labels"),
    ("BinaryAccuracy", {}, "binary_accuracy", "bits"),
    ("CategoricalAccuracy", {}, "categorical_accuracy", "rows"),
    ("SparseCategoricalAccuracy", {}, "sparse_categorical_accuracy", "labels"),
]
WITH_K = {"top_k_categorical_accuracy", "sparse_top_k_categorical_accuracy"}


def sample(kind: str, rng: Any, n: int = 60) -> tuple[Any, Any]:
    if kind == "real":
        return rng.normal(size=(n, 3)), rng.normal(size=(n, 3))
    if kind == "bits":
        return rng.integers(0, 2, n).astype(float), rng.integers(0, 11, n) / 10  # with ties
    labels = rng.integers(0, 5, n)
    if kind == "classes":
        return labels, rng.integers(0, 4, n)
    outputs = rng.integers(0, 9, (n, 5)) / 9
    return (labels if kind == "labels" else np.eye(5)[labels]), outputs


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("name", "arguments", "textbook", "kind"),
    CASES,
    ids=[f"{c[0]}{i}" for i, c in enumerate(CASES)],
)
def test_by_hand_as_the_textbook(
    name: str, arguments: Any, textbook: str, kind: str, weighted: bool, rng: Any
) -> None:
    y, p = sample(kind, rng)
    weight = rng.integers(0, 4, len(p)).astype(float) if weighted else None
    options: Any = {"sample_weight": None if weight is None else weight.tolist()}
    if textbook in WITH_K:
        options["k"] = arguments["k"]
    names = {"thresholds": "threshold", "threshold": "threshold", "beta": "beta"}
    names["precision"] = "least"
    options |= {names[key]: value for key, value in arguments.items() if key in names}
    expected = getattr(reference.metrics, textbook)(y.tolist(), p.tolist(), **options)
    metric = getattr(M, name)(**arguments)
    for part in (slice(0, 7), slice(7, 8), slice(8, None)):  # any batches
        metric.update_state(y[part], p[part], None if weight is None else weight[part])
    assert metric.result() == pytest.approx(expected, rel=1e-12)
    metric.reset_state()
    assert metric.result() == 0
    assert 0 != metric(y, p) == metric.result()


def test_as_scikit_learn(rng: Any) -> None:
    sk = pytest.importorskip("sklearn.metrics")
    y, p = sample("bits", rng, 500)
    w = rng.random(500)
    assert M.AUC()(y, p, w) == pytest.approx(sk.roc_auc_score(y, p, sample_weight=w), rel=1e-12)
    labels, rows = sample("labels", rng, 500)
    for average in ("micro", "macro", "weighted", None):
        expected = sk.f1_score(labels, rows.argmax(axis=1), average=average, sample_weight=w)
        assert np.allclose(M.F1Score(average)(labels, rows, w), expected, rtol=1e-12)
    t, q = rng.normal(size=(50, 2)) * [1, 9], rng.normal(size=(50, 2))
    for ours, theirs in (
        ("uniform_average", "uniform_average"),
        ("variance_weighted_average", "variance_weighted"),
        (None, "raw_values"),
    ):
        expected = sk.r2_score(t, q, multioutput=theirs)
        assert np.allclose(M.R2Score(ours)(t, q), expected, rtol=1e-12)


def test_where_there_is_nothing_to_compare() -> None:
    assert np.isnan(M.AUC()([1, 1], [0.1, 0.2]))
    assert M.Precision()([0, 1], [0.1, 0.2]) == 0
    assert M.Recall()([0, 0], [0.9, 0.2]) == 0
    assert M.F1Score()([0, 0], [0.1, 0.2]) == [0]
    assert M.R2Score()([2.0, 2.0], [2.0, 2.0]) == 1
    assert M.R2Score()([2.0, 2.0], [2.0, 1.0]) == 0


def test_precision_of_some_outputs() -> None:
    y = [[0, 1, 0], [1, 0, 0]]
    p = [[0.6, 0.9, 0.7], [0.8, 0.1, 0.1]]
    assert M.Precision()(y, p) == 0.5
    assert M.Precision(class_id=0)(y, p) == 0.5
    assert M.Precision(top_k=1)(y, p) == 1.0
    assert M.Recall(top_k=1, thresholds=0.85)(y, p) == 0.5
    assert M.Precision(top_k=3)([1, 0], [[0.4] * 3] * 2) == pytest.approx(1 / 3)


# ---- inside fit and evaluate --------------------------------------------------------------------


def linear(loss: Any, metrics: Any, units: int = 1, head: str = "linear", **options: Any) -> Any:
    layers = [md.layers.Dense(5, "tanh"), md.layers.Dense(units, head)]
    model = md.Model(layers, seed=3, **options)
    model.compile(md.optimizers.SGD(0.1), loss, metrics=metrics)
    return model


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("threads", [1, 3])
def test_evaluate_takes_the_whole_set(dtype: str, threads: int, rng: Any) -> None:
    x, y = rng.normal(size=(501, 4)), rng.normal(size=(501, 2))
    names = ["mae", "mse", "rmse", M.R2Score()]
    model = linear("mse", names, 2, dtype=dtype)
    md.set_num_threads(threads)
    try:
        found = model.evaluate(x, y, batch_size=32, verbose=0, return_dict=True)
    finally:
        md._core.set_num_threads(0)
    p = model.predict(x)
    assert list(found) == ["loss", "mae", "mse", "rmse", "r2_score"]
    for name in names:
        metric = M.get(name)
        assert found[metric.name] == metric(y, p)  # the same outputs, the same arithmetic
    assert found["mse"] == pytest.approx(found["loss"], rel=1e-5)


@pytest.mark.parametrize("shuffle", [True, False])
def test_an_epoch_takes_outputs_as_of_their_step(shuffle: bool, rng: Any) -> None:
    x, y = rng.normal(size=(50, 3)), rng.normal(size=(50, 1))
    seen: list[Any] = []

    def keep(y_true: Any, y_pred: Any) -> float:
        seen.append((y_true.copy(), y_pred.copy()))
        return 1.0

    model, twin = linear("mse", [keep, "mae"]), linear("mse", [])
    history = model.fit(x, y, batch_size=8, epochs=2, shuffle=shuffle, verbose=0).history
    assert history["keep"] == [1.0, 1.0]
    for epoch in range(2):
        order = md._core.permutation(50, 3, epoch) if shuffle else np.arange(50)
        expected = np.empty((50, 1), np.float32)
        for start in range(0, 50, 8):
            batch = order[start : start + 8]
            if not twin.built:
                twin.build((None, 3))
            expected[batch] = twin.predict(x[batch])
            twin.train_on_batch(x[batch], y[batch])
        assert np.array_equal(seen[epoch][0], y)
        assert np.array_equal(seen[epoch][1], expected)
        assert history["mae"][epoch] == M.MeanAbsoluteError()(y, expected)


@pytest.mark.parametrize("shuffle", [True, False])
def test_of_an_unfinished_epoch_only_seen_samples_count(shuffle: bool, rng: Any) -> None:
    class Stop(md.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            assert logs["count"] == 8.0 * (batch + 1)
            self.model.stop_training = batch == 2

    x, y = rng.normal(size=(50, 3)), np.arange(50.0)
    seen: list[Any] = []

    def count(y_true: Any, y_pred: Any) -> float:
        seen.append(y_true.ravel())
        assert np.isfinite(y_pred).all()
        return float(len(y_true))

    model = linear("mse", [count])
    history = model.fit(x, y, 8, 5, verbose=0, shuffle=shuffle, callbacks=[Stop()])
    assert history.history["count"] == [24.0]
    order = md._core.permutation(50, 3, 0) if shuffle else np.arange(50)
    assert seen[-1].tolist() == sorted(order[:24])


def test_logits_are_compared_as_probabilities(rng: Any) -> None:
    x = rng.normal(size=(300, 4))
    y = (x[:, 0] + 0.5 * rng.normal(size=300) > 0).astype(float)
    wanted = [M.Precision(0.7), M.Recall(), M.F1Score(), "AUC", "accuracy"]
    logits = linear(md.losses.BinaryCrossentropy(from_logits=True), wanted, dtype="float64")
    chances = linear("binary_crossentropy", wanted, head="sigmoid", dtype="float64")
    one, two = (model.evaluate(x, y, verbose=0) for model in (logits, chances))
    assert one == pytest.approx(two, rel=1e-12)
    assert min(one) > 0
    labels = np.arange(300) % 3
    wanted = ["precision", M.Recall(0.4), M.F1Score("macro"), "auc"]
    wanted.append(M.SparseTopKCategoricalAccuracy(2))
    loss = md.losses.SparseCategoricalCrossentropy
    logits = linear(loss(from_logits=True), wanted, 3, dtype="float64")
    chances = linear(loss(), wanted, 3, "softmax", dtype="float64")
    one, two = (model.evaluate(x, labels, verbose=0) for model in (logits, chances))
    assert one == pytest.approx(two, rel=1e-12)
    p = chances.predict(x)
    assert two[2] == M.Recall(0.4)(np.eye(3)[labels], p)


def test_weighted_metrics(tmp_path: Any, rng: Any) -> None:
    x, weight = rng.normal(size=(60, 4)), rng.integers(0, 3, 60).astype(float)
    labels = np.arange(60) % 3
    loss = md.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = md.Model([md.layers.Dense(3)], seed=3)
    weighted = ["accuracy", M.SparseTopKCategoricalAccuracy(2, name="top2")]
    model.compile(
        md.optimizers.SGD(0.1), loss, metrics=["acc", "precision"], weighted_metrics=weighted
    )
    p = model.predict(x)
    plain = model.evaluate(x, labels, verbose=0, return_dict=True)
    found = model.evaluate(x, labels, sample_weight=weight, verbose=0, return_dict=True)
    assert list(found) == ["loss", "acc", "precision", "accuracy", "top2"]
    assert found["acc"] == plain["acc"] == plain["accuracy"]
    assert found["precision"] == plain["precision"]
    assert (
        found["accuracy"] == M.SparseCategoricalAccuracy()(labels, p, weight) != plain["accuracy"]
    )
    assert found["top2"] == M.SparseTopKCategoricalAccuracy(2)(labels, p, weight)
    model.save(tmp_path / "m")
    other = md.load_model(tmp_path / "m")
    assert other.metrics_names == model.metrics_names
    assert found == other.evaluate(x, labels, sample_weight=weight, verbose=0, return_dict=True)

    class Stop(md.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.model.stop_training = True

    history = model.fit(
        x, labels, 30, class_weight={0: 0.0}, verbose=0, shuffle=False, callbacks=[Stop()]
    ).history
    seen = labels[:30] > 0
    assert history["accuracy"] == [M.SparseCategoricalAccuracy()(labels[:30][seen], p[:30][seen])]
    with pytest.raises(TypeError, match=r"write weighted_metrics=\['acc'\]"):
        model.compile("sgd", loss, weighted_metrics="acc")
    with pytest.raises(ValueError, match=r"distinct names.*another: BinaryAccuracy\(name=...\)"):
        model.compile("sgd", loss, metrics=["acc"], weighted_metrics=["acc"])


def test_metrics_written_by_users(rng: Any) -> None:
    class AsKeras(md.Metric):
        def __init__(self) -> None:
            super().__init__(name="as_keras")
            self.total = 0.0

        def update_state(self, y_true: Any, y_pred: Any) -> None:  # type: ignore[override]
            self.total += float(np.sum(y_true))

        def result(self) -> float:
            return self.total

        def reset_state(self) -> None:
            self.total = 0.0

    class AsMundur(md.Metric):
        title = "as_mundur"

        def compute(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
            return float(np.sum(y_true))

    x, y = rng.normal(size=(40, 3)), np.ones(40)
    model = linear("mse", [AsKeras(), AsMundur(), lambda t, p: t + 1])
    history = model.fit(x, y, epochs=2, verbose=0, validation_split=0.25).history
    assert history["as_keras"] == history["as_mundur"] == [30.0, 30.0]
    assert history["val_as_keras"] == [10.0, 10.0]
    assert history["<lambda>"] == [2.0, 2.0]
    assert model.train_on_batch(x, y, return_dict=True)["as_keras"] == 40.0


def test_an_exception_of_a_metric_leaves_the_model_whole(rng: Any) -> None:
    def fail(y_true: Any, y_pred: Any) -> float:
        raise ZeroDivisionError("mine")

    x, y = rng.normal(size=(40, 3)), np.ones(40)
    model = linear("mse", [fail])
    with pytest.raises(ZeroDivisionError, match="mine"):
        model.fit(x, y, verbose=0)
    model.compile("sgd", "mse")
    assert model.fit(x, y, verbose=0).stop_reason == "epochs"


def test_early_stopping_knows_the_direction(rng: Any) -> None:
    x, y = rng.normal(size=(40, 3)), np.ones(40)
    for name, larger in (("mae", False), ("r2", True)):
        model = linear("mse", [name])
        stop = md.callbacks.EarlyStopping(name, patience=1)
        model.fit(x, y, verbose=0, callbacks=[stop])
        assert stop._larger_is_better() is larger
    model = linear("mse", [lambda t, p: 1.0])
    with pytest.raises(ValueError, match="cannot tell whether a larger '<lambda>' is better"):
        model.fit(x, y, verbose=0, callbacks=[md.callbacks.EarlyStopping("<lambda>")])


def test_files_keep_metrics(tmp_path: Any, rng: Any) -> None:
    def own(y_true: Any, y_pred: Any) -> float:
        return 1.0

    x, y = rng.normal(size=(40, 3)), np.ones(40)
    model = linear("mse", ["mae", M.R2Score("variance_weighted_average", name="explained")])
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "m")
    other = md.load_model(tmp_path / "m")
    assert repr(other.metrics) == repr(model.metrics)
    assert other.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
    model.compile("sgd", "mse", metrics=[own, "mae"])
    model.save(tmp_path / "m")
    with pytest.warns(UserWarning, match="left out: own"):
        other = md.load_model(tmp_path / "m")
    assert other.metrics_names == ["loss", "mae"]


@pytest.mark.parametrize(
    ("metric", "loss", "units", "words"),
    [
        (M.F1Score(), "scce", 3, "F1Score needs an average"),
        (M.R2Score(None), "mse", 2, "R2Score needs a class_aggregation"),
        ("mae", "scce", 3, "MeanAbsoluteError compares numbers"),
        ("top_k_categorical_accuracy", "scce", 3, "use SparseTopKCategoricalAccuracy"),
        ("SparseTopKCategoricalAccuracy", "mse", 3, "use TopKCategoricalAccuracy"),
        (M.Precision(class_id=3), "scce", 3, "class_id must be < 3"),
    ],
)
def test_unsuitable_metrics_are_found_before_training(
    metric: Any, loss: str, units: int, words: str, rng: Any
) -> None:
    sparse = md.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = linear(sparse if loss == "scce" else loss, [metric], units)
    y = np.zeros(9, int) if loss == "scce" else np.zeros((9, units))
    with pytest.raises(ValueError, match=words):
        model.fit(rng.normal(size=(9, 4)), y, verbose=0)
    assert model.optimizer.iterations == 0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: M.Precision(thresholds=2), "thresholds must be"),
        (lambda: M.Precision(thresholds=[0.5, 2]), r"thresholds\[1\] must be"),
        (lambda: M.Precision(thresholds=[]), "at least one number"),
        (lambda: M.RecallAtPrecision(1.5), "precision must be"),
        (lambda: M.IoU(2, [2]), r"target_class_ids\[0\] must be"),
        (lambda: M.FBetaScore(beta=0), "beta must be"),
        (lambda: M.AUC(num_labels=2), "num_labels goes with multi_label"),
        (lambda: M.AUC(label_weights=[1.0, 2.0])([1.0], [0.5]), "label_weights must hold one"),
        (lambda: M.Precision(top_k=0), "top_k must be"),
        (lambda: M.F1Score("mean"), "average must be"),
        (lambda: M.F1Score(threshold="a"), "threshold must be"),
        (lambda: M.R2Score("mean"), "class_aggregation must be"),
        (lambda: M.TopKCategoricalAccuracy(k=0.5), "k must be"),
        (lambda: M.AUC(curve="CAP"), "unknown curve 'CAP'"),
        (lambda: M.MeanMetricWrapper(3), "fn must be callable"),
        (lambda: M.get("mea"), "unknown metric 'mea'"),
        (lambda: M.get(3), "a metric must be"),
        (lambda: M.MeanAbsoluteError()([[1.0]], [[1.0, 2.0]]), "must have shape"),
        (lambda: M.MeanAbsoluteError()([1.0, 2.0], [1.0]), "as many samples"),
        (lambda: M.Precision()([3, 0], [[0.1, 0.2]] * 2), r"labels in \[0, 2\)"),
    ],
)
def test_bad_arguments(make: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        make()


@pytest.mark.parametrize("metric", ["Precision", "Recall"])
def test_a_class_that_is_none_by_hand(metric: str) -> None:
    with pytest.raises(ValueError, match="class_id must be < 2; got 5"):
        getattr(md.metrics, metric)(class_id=5)(np.eye(2), np.eye(2))


def test_functions_stand_for_metrics_of_their_names() -> None:
    for name, kind in (
        ("binary_accuracy", "BinaryAccuracy"),
        ("mean_squared_error", "MeanSquaredError"),
        ("top_k_categorical_accuracy", "TopKCategoricalAccuracy"),
    ):
        found = md.metrics.get(getattr(md.metrics, name))
        assert type(found).__name__ == kind and found.name == name
    with pytest.raises(ValueError, match=r"y_true must have shape \(2,\) or \(2, 1\); got \(3,\)"):
        md.metrics.sparse_categorical_accuracy([0, 1, 0], [[0.1, 0.9], [0.2, 0.8]])
    with pytest.raises(ValueError, match=r"y_true must have shape \(1, 2\); got \(2,\)"):
        md.metrics.categorical_accuracy([0, 1], [[0.1, 0.9]])
    with pytest.raises(ValueError, match=r"y_pred must have one output or more; got"):
        md.metrics.sparse_categorical_accuracy([0, 1], np.ones((2, 0)))
