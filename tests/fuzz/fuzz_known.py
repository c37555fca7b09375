"""Faults that are being mended: the cases that only find them once more. To be deleted, empty."""

from __future__ import annotations

from collections.abc import Callable

from fuzz_build import built
from fuzz_case import Case


def _by_steps(case: Case) -> bool:
    return len(built(case, ()).output_shape) > 1


def _unweighted(case: Case) -> bool:
    return bool(case.metrics) or case.holds(
        "BatchNormalization", "activity_regularizer", "ActivityRegularization"
    )


KNOWN: dict[str, tuple[str, Callable[[Case], bool]]] = {
    "short_calls": ("12.1: predict returns memory that nobody filled", lambda case: True),
    "observers": ("12.2: accuracy and masks change losses over time steps", _by_steps),
    "whole_mask": ("12.2", _by_steps),
    "everywhere": (
        "12.3: NaN in rows of weight zero",
        lambda c: c.weights == "nan" and _unweighted(c),
    ),
    "weightless": ("12.3", lambda case: case.weights == "nan" and _unweighted(case)),
    "padding": ("12.10", lambda case: case.holds("BatchNormalization")),
    "nan_padding": ("12.10: 0 · NaN in the gradient of a kernel", lambda case: True),
}


def known(law: str, case: Case) -> str:
    """Which fault, if any, a law would find here again."""
    if law not in KNOWN:
        return ""
    fault, holds = KNOWN[law]
    try:
        return fault if holds(case) else ""
    except Exception:
        return ""
