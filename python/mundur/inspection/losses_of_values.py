"""Losses of regression as formulas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .loss_terms import LEAST, Batch, LossLine, Numbers, Piece, Written, summed

__all__ = ["LOSSES"]


def _squared(loss: Any) -> Written:
    return Written(
        (r"L = \frac{1}{n} \sum_j (y_j - a_j)^{2}",),
        r"\frac{2}{n} \cdot (a_j - y_j)",
        lambda b: b.elements(
            "(<y> - <a>)^{2}",
            r"\frac{2}{<n>} \cdot (<a> - <y>)",
            2 * (b.a - b.y),
            (b.a - b.y) ** 2,
        ),
    )


def _absolute(loss: Any) -> Written:
    return Written(
        (r"L = \frac{1}{n} \sum_j |y_j - a_j|",),
        r"\frac{1}{n} \cdot \operatorname{sign}(a_j - y_j)",
        lambda b: b.elements(
            "|<y> - <a>|",
            r"\frac{1}{<n>} \cdot \operatorname{sign}(<a> - <y>)",
            np.sign(b.a - b.y),
            abs(b.a - b.y),
        ),
    )


def _percentage(loss: Any) -> Written:
    def numbers(b: Batch) -> Numbers:
        u = np.maximum(abs(b.y), LEAST)
        return b.elements(
            r"\frac{|<a> - <y>|}{<u>}",
            r"\frac{100}{<n> \cdot <u>} \cdot \operatorname{sign}(<a> - <y>)",
            100 * np.sign(b.a - b.y) / u,
            abs(b.a - b.y) / u,
            factor=r"\frac{100}{<n>}",
            scale=100,
            known={"u": u},
        )

    return Written(
        (
            r"L = \frac{100}{n} \sum_j \frac{|a_j - y_j|}{u_j}",
            r"u_j = \max(|y_j|, 10^{-7})",
        ),
        r"\frac{100}{n \cdot u_j} \cdot \operatorname{sign}(a_j - y_j)",
        numbers,
    )


def _logarithmic(loss: Any) -> Written:
    def numbers(b: Batch) -> Numbers:
        u, v = np.maximum(b.a, LEAST), np.maximum(b.y, LEAST)
        off = np.log1p(u) - np.log1p(v)
        return b.elements(
            r"(\ln(1 + <u>) - \ln(1 + <v>))^{2}",
            r"\frac{2}{<n>} \cdot \frac{\ln(1 + <u>) - \ln(1 + <v>)}{1 + <u>} "
            r"\cdot [<a> \ge 10^{-7}]",
            2 * off / (1 + u) * (b.a >= LEAST),
            off**2,
            known={"u": u, "v": v},
        )

    return Written(
        (
            r"L = \frac{1}{n} \sum_j (\ln(1 + u_j) - \ln(1 + v_j))^{2}",
            r"u_j = \max(a_j, 10^{-7})",
            r"v_j = \max(y_j, 10^{-7})",
        ),
        r"\frac{2}{n} \cdot \frac{\ln(1 + u_j) - \ln(1 + v_j)}{1 + u_j} \cdot [a_j \ge 10^{-7}]",
        numbers,
    )


def _huber(loss: Any) -> Written:
    def numbers(b: Batch) -> Numbers:
        delta, e = loss.delta, abs(b.a - b.y)
        small, large = (
            r"\frac{1}{2} \cdot (<a> - <y>)^{2}",
            r"<delta> \cdot (|<a> - <y>| - \frac{<delta>}{2})",
        )
        return b.elements(
            lambda i, j: small if e[i, j] <= delta else large,
            r"\frac{1}{<n>} \cdot \min(\max(<a> - <y>, -<delta>), <delta>)",
            np.clip(b.a - b.y, -delta, delta),
            np.where(e <= delta, e**2 / 2, delta * (e - delta / 2)),
            numbers={"delta": delta},
        )

    return Written(
        (
            r"L = \frac{1}{n} \sum_j h(a_j - y_j)",
            r"h(e) = [|e| \le \delta] \cdot \frac{1}{2} \cdot e^{2} + "
            r"[|e| > \delta] \cdot \delta \cdot (|e| - \frac{\delta}{2})",
        ),
        r"\frac{1}{n} \cdot \min(\max(a_j - y_j, -\delta), \delta)",
        numbers,
    )


def _log_cosh(loss: Any) -> Written:
    return Written(
        (r"L = \frac{1}{n} \sum_j \ln(\cosh(a_j - y_j))",),
        r"\frac{1}{n} \cdot \tanh(a_j - y_j)",
        lambda b: b.elements(
            r"\ln(\cosh(<a> - <y>))",
            r"\frac{1}{<n>} \cdot \tanh(<a> - <y>)",
            np.tanh(b.a - b.y),
            np.logaddexp(b.a - b.y, b.y - b.a) - np.log(2),
        ),
    )


def _poisson(loss: Any) -> Written:
    return Written(
        (r"L = \frac{1}{n} \sum_j (a_j - y_j \cdot \ln(a_j + 10^{-7}))",),
        r"\frac{1}{n} \cdot (1 - \frac{y_j}{a_j + 10^{-7}})",
        lambda b: b.elements(
            r"<a> - <y> \cdot \ln(<a> + 10^{-7})",
            r"\frac{1}{<n>} \cdot (1 - \frac{<y>}{<a> + 10^{-7}})",
            1 - b.y / (b.a + LEAST),
            b.a - b.y * np.log(b.a + LEAST),
        ),
    )


def _cosine(loss: Any) -> Written:
    def numbers(b: Batch) -> Numbers:
        u, v, s = ((p * q).sum(1) for p, q in ((b.y, b.y), (b.a, b.a), (b.y, b.a)))
        c = s / np.sqrt(u * v)
        lines = []
        for i in range(b.rows if b.is_written else 0):
            at, places = b.index(i), [b.of(i, j, {}) for j in range(b.outputs)]
            for name, text, value in (
                ("u", "<y>^{2}", u),
                ("v", "<a>^{2}", v),
                ("s", r"<y> \cdot <a>", s),
            ):
                terms = [Piece(text, of) for of in places]
                lines.append(LossLine(name + at, summed(terms), float(value[i])))
            of = {name: float(value[i]) for name, value in (("s", s), ("u", u), ("v", v))}
            text = r"= \frac{<s>}{\sqrt{<u>} \cdot \sqrt{<v>}}"
            lines.append(LossLine(f"c{at}", (Piece(text, of),), float(c[i])))
        lines, total, n = b.samples(c, lines, "-<l>")
        y, a, u, v, c = b.y, b.a, u[:, None], v[:, None], c[:, None]
        return Numbers(
            r"\frac{1}{<n>} \cdot \frac{1}{\sqrt{<v>}} \cdot "
            r"(<c> \cdot \frac{<a>}{\sqrt{<v>}} - \frac{<y>}{\sqrt{<u>}})",
            (c * a / np.sqrt(v) - y / np.sqrt(u)) / np.sqrt(v) / n,
            {"y": y, "u": u, "v": v, "c": c},
            {"n": n},
            lines if b.is_written else [],
            -total,
        )

    return Written(
        (
            r"L = -\frac{1}{n} \sum_i c_i",
            r"c = \frac{s}{\sqrt{u} \cdot \sqrt{v}}",
            r"s = \sum_j y_j \cdot a_j",
            r"u = \sum_j y_j^{2}",
            r"v = \sum_j a_j^{2}",
        ),
        r"\frac{1}{n} \cdot \frac{1}{\sqrt{v}} \cdot (c \cdot \frac{a_j}{\sqrt{v}} - "
        r"\frac{y_j}{\sqrt{u}})",
        numbers,
    )


LOSSES: dict[str, Callable[[Any], Written]] = {
    "MeanSquaredError": _squared,
    "MeanAbsoluteError": _absolute,
    "MeanAbsolutePercentageError": _percentage,
    "MeanSquaredLogarithmicError": _logarithmic,
    "Huber": _huber,
    "LogCosh": _log_cosh,
    "Poisson": _poisson,
    "CosineSimilarity": _cosine,
}
