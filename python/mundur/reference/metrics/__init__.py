"""Metrics: what people look at, where the loss is what the network looks at.

An accuracy is the share of right answers. It has no gradient worth following, so it is never
the loss; other metrics say in a unit of their own how far predictions are from right. Sample
weights work as in the losses: Σ_n w_n right_n / Σ_n w_n.
"""

from .accuracy import accuracy, binary_accuracy, categorical_accuracy, sparse_categorical_accuracy
from .classification import (
    area_under_precision,
    auc,
    f1_score,
    fbeta_score,
    mean_iou,
    precision,
    recall,
    recall_at_precision,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from .regression import (
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    r2_score,
    root_mean_squared_error,
)

__all__ = [
    "accuracy",
    "area_under_precision",
    "auc",
    "binary_accuracy",
    "categorical_accuracy",
    "f1_score",
    "fbeta_score",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_iou",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "precision",
    "r2_score",
    "recall",
    "recall_at_precision",
    "root_mean_squared_error",
    "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "top_k_categorical_accuracy",
]
