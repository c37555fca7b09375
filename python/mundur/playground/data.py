"""The samples of the playground: points in a plane, made up or out of a CSV file.

The code that the page gives away holds the source of what is called, and nothing else of here.
"""

from __future__ import annotations

import csv
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["MADE", "cells", "circle", "gaussians", "is_number", "plane", "spiral", "table", "xor"]

Array = npt.NDArray[Any]


def circle(samples: int, noise: float, seed: int) -> tuple[Array, Array]:
    """A disc within a ring: points (samples, 2), and 1 for those of the disc."""
    rng = np.random.default_rng(seed)
    y = np.arange(samples) % 2
    radius = np.where(y == 1, rng.uniform(0.0, 0.45, samples), rng.uniform(0.65, 1.0, samples))
    angle = rng.uniform(0, 2 * np.pi, samples)
    x = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return x + rng.normal(0, noise, x.shape), y


def xor(samples: int, noise: float, seed: int) -> tuple[Array, Array]:
    """Four squares: points (samples, 2), and 1 where both coordinates have the same sign."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (samples, 2))
    x += 0.05 * np.sign(x)
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    return x + rng.normal(0, noise, x.shape), y


def spiral(samples: int, noise: float, seed: int) -> tuple[Array, Array]:
    """Two arms that wind around each other: points (samples, 2), and the number of the arm."""
    rng = np.random.default_rng(seed)
    y = np.arange(samples) % 2
    radius = rng.uniform(0.05, 1.0, samples)
    angle = 1.75 * 2 * np.pi * radius + np.pi * y
    x = radius[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    return x + rng.normal(0, noise, x.shape), y


def gaussians(samples: int, noise: float, seed: int) -> tuple[Array, Array]:
    """Three clouds: points (samples, 2), and the number of the cloud."""
    rng = np.random.default_rng(seed)
    y = np.arange(samples) % 3
    angle = 2 * np.pi * y / 3 + np.pi / 2
    x = 0.6 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return x + rng.normal(0, 0.15 + noise, x.shape), y


def plane(samples: int, noise: float, seed: int) -> tuple[Array, Array]:
    """A number at each point (samples, 2) that a plane tells: 0.7 x₁ - 0.3 x₂, with noise."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (samples, 2))
    return x, 0.7 * x[:, 0] - 0.3 * x[:, 1] + rng.normal(0, noise, samples)


MADE = {made.__name__: made for made in (circle, xor, spiral, gaussians, plane)}


def table(text: str, seed: int) -> tuple[Array, Array, list[str]]:
    """The rows of a CSV text in a random order: points (rows, 2), labels, names of the classes.

    Three columns, a header above them or none: two of numbers, which are scaled to -1 .. 1, and a
    label. Up to seven different labels are classes, numbered by their names in order, 0 and 0.0
    being the same; numbers of more values, or with fractions, are scaled likewise, and there are
    no classes.
    """

    def scaled(values: Array) -> Array:
        values = values / 4  # no difference of two of them is too large
        least, most = values.min(axis=0), values.max(axis=0)
        result: Array = 2 * (values - least) / np.where(most > least, most - least, 1) - 1
        return result

    rows = cells(text)
    rows = rows if any(map(is_number, rows[0][:2])) else rows[1:]
    x = scaled(np.array([[float(first), float(second)] for first, second, _ in rows]))
    labels = [label for _, _, label in rows]
    numbers = all(map(is_number, labels))
    values: list[Any] = [*map(float, labels)] if numbers else labels
    kinds = sorted(set(values))
    names = [labels[values.index(kind)] for kind in kinds]
    y = np.array([kinds.index(value) for value in values])
    if numbers and (len(kinds) > 7 or any(value % 1 for value in values)):
        y, names = scaled(np.array(values)), []
    order = np.random.default_rng(seed).permutation(len(rows))
    return x[order], y[order], names


def cells(text: str) -> list[list[str]]:
    """The rows of a CSV text.

    Beside commas, semicolons and tabs separate, and numbers may have decimal commas there.
    """
    lines = [line for line in text.lstrip("\ufeff").splitlines() if line.strip()]
    between = next((one for one in "\t;" if lines and lines[0].count(one) > 1), ",")

    def plain(cell: str) -> str:
        point = cell.replace(",", ".")
        return point if between != "," and is_number(point) else cell

    return [[plain(cell.strip()) for cell in row] for row in csv.reader(lines, delimiter=between)]


def is_number(cell: str) -> bool:
    """Whether this is a finite number."""
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        return False
