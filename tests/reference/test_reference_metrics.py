"""Accuracy in its forms, which of them belongs to which loss, and the other metrics."""

import math
from itertools import pairwise

import pytest
from mundur.reference.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)
from mundur.reference.metrics import (
    accuracy,
    area_under_precision,
    auc,
    binary_accuracy,
    categorical_accuracy,
    f1_score,
    fbeta_score,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_iou,
    mean_squared_error,
    mean_squared_logarithmic_error,
    precision,
    r2_score,
    recall,
    recall_at_precision,
    root_mean_squared_error,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)

ROWS = [[0.1, 0.7, 0.2], [0.4, 0.4, 0.2], [0.3, 0.3, 0.4], [0.9, 0.0, 0.1]]
LABELS = [1, 0, 2, 1]
ONE_HOT = [[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]]


def test_binary():
    assert binary_accuracy([0, 1, 1, 0], [0.2, 0.8, 0.4, 0.5]) == 0.75
    assert binary_accuracy([[0, 1], [1, 0]], [[0.2, 0.8], [0.4, 0.5]]) == 0.75
    assert binary_accuracy([0, 1, 1], [-0.1, 0.1, 0.4], threshold=0) == 1.0


def test_categorical_and_sparse_take_the_first_maximum():
    assert categorical_accuracy(ONE_HOT, ROWS) == 0.75
    assert sparse_categorical_accuracy(LABELS, ROWS) == 0.75
    assert sparse_categorical_accuracy([1], [[0.4, 0.4, 0.2]]) == 0.0
    assert sparse_categorical_accuracy([[label] for label in LABELS], ROWS) == 0.75


def test_weights():
    weights = [1.0, 1.0, 2.0, 4.0]
    assert sparse_categorical_accuracy(LABELS, ROWS, weights) == 0.5
    assert categorical_accuracy(ONE_HOT, ROWS, weights) == 0.5
    assert binary_accuracy([1, 1], [0.9, 0.1], sample_weight=[3.0, 1.0]) == 0.75
    assert categorical_accuracy(ONE_HOT, ROWS, [0.0] * 4) == 0.0


@pytest.mark.parametrize(
    ("loss", "y_true", "y_pred", "expected"),
    [
        (BinaryCrossentropy(), [0, 1], [0.2, 0.3], 0.5),
        (BinaryCrossentropy(from_logits=True), [0, 1], [0.2, 0.3], 0.5),
        (BinaryCrossentropy(from_logits=True), [1, 1], [0.2, 0.3], 1.0),
        (BinaryCrossentropy(), [[1, 0]], [[0.9, 0.8]], 0.5),
        (CategoricalCrossentropy(), [[1, 0]], [[0.9, 0.8]], 1.0),
        (SparseCategoricalCrossentropy(from_logits=True), LABELS, ROWS, 0.75),
        (MeanSquaredError(), [0, 1], [0.2, 0.3], 0.5),
        (MeanSquaredError(), ONE_HOT, ROWS, 0.75),
        (None, LABELS, ROWS, 0.75),
        (None, [0, 1], [[0.2], [0.3]], 0.5),
    ],
)
def test_the_form_follows_the_loss_and_the_shapes(loss, y_true, y_pred, expected):
    assert accuracy(y_true, y_pred, loss) == expected


def test_bad_shapes():
    with pytest.raises(ValueError, match=r"y_true must have shape \(4, 3\); got \(4, 1\)"):
        categorical_accuracy(LABELS, ROWS)
    with pytest.raises(ValueError, match=r"y_true must have shape \(4, 1\); got \(4, 3\)"):
        sparse_categorical_accuracy(ONE_HOT, ROWS)
    with pytest.raises(ValueError, match="y_true must have shape"):
        binary_accuracy([1], [0.5, 0.5])


def test_top_k_with_one_is_accuracy_and_with_all_is_one():
    for k, expected in ((1, 0.75), (3, 1.0)):
        assert top_k_categorical_accuracy(ONE_HOT, ROWS, k) == expected
        assert sparse_top_k_categorical_accuracy(LABELS, ROWS, k) == expected
    assert sparse_top_k_categorical_accuracy(LABELS, ROWS, 2, [1.0, 1.0, 1.0, 3.0]) == 0.5


def test_precision_and_recall_by_counting():
    y, p = [1, 1, 1, 0, 0], [0.9, 0.6, 0.2, 0.7, 0.1]  # TP 2, FP 1, FN 1
    assert precision(y, p) == recall(y, p) == f1_score(y, p) == pytest.approx(2 / 3)
    assert precision(y, p, threshold=0.8) == 1.0
    assert recall(y, p, threshold=0.8) == pytest.approx(1 / 3)
    assert f1_score(y, p, threshold=0.8) == 0.5
    assert precision(y, p, sample_weight=[1.0, 1.0, 1.0, 2.0, 1.0]) == 0.5
    assert precision([0], [0.1]) == recall([0], [0.1]) == f1_score([0], [0.1]) == 0.0


def test_recall_beside_precision():
    y, p = [1, 1, 1, 1, 0], [0.9, 0.6, 0.2, 0.1, 0.7]  # TP 2, FP 1, FN 2
    assert fbeta_score(y, p, beta=1.0) == f1_score(y, p)
    assert fbeta_score(y, p, beta=2.0) == pytest.approx(5 * 2 / (5 * 2 + 4 * 2 + 1))
    assert fbeta_score(y, p, beta=1e-9) == pytest.approx(precision(y, p))
    assert fbeta_score(y, p, beta=1e9) == pytest.approx(recall(y, p))
    assert recall_at_precision(y, p, 0.9) == 1 / 4  # above 0.7 alone is nothing else called
    assert recall_at_precision(y, p, 0.6) == 1.0
    assert recall_at_precision(y, p, 0.6, [1.0, 1.0, 1.0, 1.0, 8.0]) == 1 / 4


def test_iou_of_the_classes_there_are():
    assert mean_iou([0, 0, 2], [0, 2, 2]) == (1 / 2 + 1 / 2) / 2
    assert mean_iou([0, 0, 2], [0, 2, 2], [1.0, 3.0, 1.0]) == (1 / 4 + 1 / 4) / 2
    assert mean_iou([1], [1]) == 1.0
    assert mean_iou([1], [2], [0.0]) == 0.0


def test_area_under_precision_is_that_of_many_small_steps():
    y, p = [1, 0, 1, 1, 0, 0, 1], [0.9, 0.8, 0.8, 0.4, 0.4, 0.4, 0.1]
    at, area, n = [(0.0, 0.0), (1.0, 0.0), (2.0, 1.0), (3.0, 3.0), (4.0, 3.0)], 0.0, 10000
    for (t0, f0), (t1, f1) in pairwise(at):
        for i in range(n):
            s = (i + 0.5) / n
            tp, fp = t0 + s * (t1 - t0), f0 + s * (f1 - f0)
            area += tp / (tp + fp) * (t1 - t0) / n / 4
    assert area_under_precision(y, p) == pytest.approx(area, rel=1e-6)
    assert area_under_precision([0, 1], [0.1, 0.2]) == 1.0
    assert math.isnan(area_under_precision([0, 0], [0.1, 0.2]))


def test_auc_counts_pairs():
    assert auc([0, 1], [0.1, 0.2]) == 1.0
    assert auc([0, 1], [0.2, 0.1]) == 0.0
    assert auc([0, 1], [0.2, 0.2]) == 0.5
    assert auc([0, 0, 1], [0.1, 0.3, 0.2], [3.0, 1.0, 1.0]) == 0.75
    assert math.isnan(auc([1, 1], [0.1, 0.2]))


def test_errors():
    t, y = [[1.0, 2.0], [3.0, 6.0]], [[1.0, 4.0], [0.0, 6.0]]
    assert mean_absolute_error(t, y) == 5 / 4
    assert mean_squared_error(t, y) == 13 / 4
    assert root_mean_squared_error(t, y) == pytest.approx(math.sqrt(13) / 2, rel=1e-15)
    assert mean_absolute_percentage_error(t, y) == 100 * (0 + 1 + 1 + 0) / 4
    logarithms = math.log(5 / 3) ** 2 + (math.log1p(1e-7) - math.log(4)) ** 2
    assert mean_squared_logarithmic_error(t, y) == pytest.approx(logarithms / 4, rel=1e-15)
    assert mean_absolute_error(t, y, [1.0, 3.0]) == (1 + 3 * 1.5) / 4
    assert r2_score(t, y) == ((1 - 9 / 2) + (1 - 4 / 8)) / 2
    assert r2_score(t, t) == 1.0
    assert r2_score([2.0, 2.0], [2.0, 1.0]) == 0.0
