"""Accuracy in its three forms, and which form belongs to which loss."""

import pytest
from mundur.reference.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)
from mundur.reference.metrics import (
    accuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
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
    with pytest.raises(ValueError, match=r"y_true: expected shape \(4, 3\), got \(4, 1\)"):
        categorical_accuracy(LABELS, ROWS)
    with pytest.raises(ValueError, match=r"y_true: expected shape \(4, 1\), got \(4, 3\)"):
        sparse_categorical_accuracy(ONE_HOT, ROWS)
    with pytest.raises(ValueError, match="y_true: expected shape"):
        binary_accuracy([1], [0.5, 0.5])
