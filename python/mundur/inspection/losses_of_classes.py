"""Losses of classification as formulas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .loss_terms import Batch, LossLine, Numbers, Piece, Written, summed

__all__ = ["LOSSES"]

_SIGMOID = r"p_j = \frac{1}{1 + e^{-a_j}}"
_SOFTMAX = r"p_j = \frac{e^{a_j}}{\sum_k e^{a_k}}"


def _in_symbols(formula: str, logits: bool) -> str:
    """`P` is the probability, which is a_j itself where there are no logits."""
    return formula.replace("P", "p_j" if logits else "a_j")


def _binary(loss: Any) -> Written:
    logits = loss.from_logits

    def numbers(b: Batch) -> Numbers:
        p, lines = b.probabilities(False) if logits else (b.a, [])
        slope, slopes = r"\frac{1}{<n>} \cdot (<p> - <y>)", p - b.y
        if not logits:
            slope = r"\frac{1}{<n>} \cdot \frac{<p> - <y>}{<p> \cdot (1 - <p>)}"
            slopes = slopes / (p * (1 - p))
        # 0·ln 0 is 0, as of logits that are certain.
        cost = np.where(b.y == 0, 0, b.y * np.log(p)) + np.where(
            b.y == 1, 0, (1 - b.y) * np.log1p(-p)
        )
        return b.elements(
            r"-(<y> \cdot \ln(<p>) + (1 - <y>) \cdot \ln(1 - <p>))",
            slope,
            slopes,
            -cost,
            known={"p": p},
            lines=lines,
        )

    whole = r"L = -\frac{1}{n} \sum_j (y_j \cdot \ln(P) + (1 - y_j) \cdot \ln(1 - P))"
    return Written(
        (_in_symbols(whole, logits), *([_SIGMOID] if logits else [])),
        r"\frac{1}{n} \cdot (p_j - y_j)"
        if logits
        else r"\frac{1}{n} \cdot \frac{a_j - y_j}{a_j \cdot (1 - a_j)}",
        numbers,
    )


def _categorical(loss: Any) -> Written:
    logits = loss.from_logits

    def numbers(b: Batch) -> Numbers:
        p, lines = b.probabilities(True) if logits else (b.a, [])
        return b.elements(
            r"-<y> \cdot \ln(<p>)",
            r"\frac{1}{<n>} \cdot (<p> - <y>)"
            if logits
            else r"-\frac{1}{<n>} \cdot \frac{<y>}{<p>}",
            p * b.y.sum(1, keepdims=True) - b.y if logits else -b.y / p,
            -np.where(b.y == 0, 0, b.y * np.log(p)),
            by_row=True,
            known={"p": p},
            lines=lines,
        )

    return Written(
        (
            _in_symbols(r"L = -\frac{1}{n} \sum_j y_j \cdot \ln(P)", logits),
            *([_SOFTMAX] if logits else []),
        ),
        r"\frac{1}{n} \cdot (p_j - y_j)" if logits else r"-\frac{1}{n} \cdot \frac{y_j}{a_j}",
        numbers,
    )


def _binary_focal(loss: Any) -> Written:
    logits, alpha, gamma = loss.from_logits, loss.alpha, loss.gamma
    balances = loss.apply_class_balancing

    def numbers(b: Batch) -> Numbers:
        p, lines = b.probabilities(False) if logits else (b.a, [])
        y = b.y
        q = y * (1 - p) + (1 - y) * p
        c = -(y * np.log(p) + (1 - y) * np.log1p(-p))
        w = y * alpha + (1 - y) * (1 - alpha) if balances else np.ones_like(y)
        rise = p * (1 - p) if logits else 1.0
        slopes = w * (
            gamma * q ** (gamma - 1) * (1 - 2 * y) * rise * c
            + q**gamma * (p - y) / (1 if logits else p * (1 - p))
        )
        known = {"p": p, "q": q, "c": c, "w": w}
        weight = r"<y> \cdot <alpha> + (1 - <y>) \cdot (1 - <alpha>)"
        told = [
            ("q", r"<y> \cdot (1 - <p>) + (1 - <y>) \cdot <p>"),
            ("c", r"-(<y> \cdot \ln(<p>) + (1 - <y>) \cdot \ln(1 - <p>))"),
            *([("w", weight)] if balances else []),
        ]
        for i, j in np.ndindex(y.shape) if b.is_written else ():
            of = b.of(i, j, known) | {"alpha": alpha}
            for name, text in told:
                left = name + b.index(i, j)
                lines.append(LossLine(left, (Piece(f"= {text}", of),), of[name]))
        w_ = r"<w> \cdot " if balances else ""
        own = [r" \cdot <p> \cdot (1 - <p>)", "(<p> - <y>)"]
        if not logits:
            own = ["", r"\frac{<p> - <y>}{<p> \cdot (1 - <p>)}"]
        return b.elements(
            rf"{w_}<q>^{{<gamma>}} \cdot <c>",
            rf"\frac{{1}}{{<n>}} \cdot {w_}(<gamma> \cdot <q>^{{<gamma> - 1}} \cdot "
            rf"(1 - 2 \cdot <y>){own[0]} \cdot <c> + <q>^{{<gamma>}} \cdot {own[1]})",
            slopes,
            w * q**gamma * c,
            known=known,
            numbers={"gamma": gamma},
            lines=lines,
        )

    w_ = r"w_j \cdot " if balances else ""
    formulas = [
        rf"L = \frac{{1}}{{n}} \sum_j {w_}q_j^{{\gamma}} \cdot c_j",
        r"q_j = y_j \cdot (1 - P) + (1 - y_j) \cdot P",
        r"c_j = -(y_j \cdot \ln(P) + (1 - y_j) \cdot \ln(1 - P))",
        *([r"w_j = y_j \cdot \alpha + (1 - y_j) \cdot (1 - \alpha)"] if balances else []),
        *([_SIGMOID] if logits else []),
    ]
    own = [r" \cdot P \cdot (1 - P)", "(P - y_j)"]
    if not logits:
        own = ["", r"\frac{P - y_j}{P \cdot (1 - P)}"]
    slope = (
        rf"\frac{{1}}{{n}} \cdot {w_}(\gamma \cdot q_j^{{\gamma - 1}} \cdot (1 - 2 \cdot y_j)"
        rf"{own[0]} \cdot c_j + q_j^{{\gamma}} \cdot {own[1]})"
    )
    return Written(
        tuple(_in_symbols(one, logits) for one in formulas), _in_symbols(slope, logits), numbers
    )


def _categorical_focal(loss: Any) -> Written:
    logits, alpha, gamma = loss.from_logits, loss.alpha, loss.gamma

    def numbers(b: Batch) -> Numbers:
        p, lines = b.probabilities(True) if logits else (b.a, [])
        q = 1 - p
        # p·∂ℓ/∂p of each output
        u = alpha * b.y * (gamma * q ** (gamma - 1) * p * np.log(p) - q**gamma)
        total = u.sum(1, keepdims=True)
        of_u = r"<alpha> \cdot <y> \cdot (<gamma> \cdot (1 - <p>)^{<gamma> - 1} \cdot <p> \cdot "
        of_u += r"\ln(<p>) - (1 - <p>)^{<gamma>})"
        known = {"p": p, "u": u} | ({"s": total} if logits else {})
        for i, j in np.ndindex(u.shape) if b.is_written else ():
            of = b.of(i, j, known) | {"alpha": alpha, "gamma": gamma}
            lines.append(LossLine(f"u{b.index(i, j)}", (Piece(f"= {of_u}", of),), of["u"]))
        return b.elements(
            r"-<alpha> \cdot (1 - <p>)^{<gamma>} \cdot <y> \cdot \ln(<p>)",
            r"\frac{1}{<n>} \cdot (<u> - <p> \cdot <s>)"
            if logits
            else r"\frac{1}{<n>} \cdot \frac{<u>}{<p>}",
            u - p * total if logits else u / p,
            -alpha * q**gamma * b.y * np.log(p),
            by_row=True,
            known=known,
            numbers={"alpha": alpha, "gamma": gamma},
            lines=lines,
        )

    formulas = (
        r"L = -\frac{1}{n} \sum_j \alpha \cdot (1 - P)^{\gamma} \cdot y_j \cdot \ln(P)",
        r"u_j = \alpha \cdot y_j \cdot (\gamma \cdot (1 - P)^{\gamma - 1} \cdot P \cdot \ln(P) - "
        r"(1 - P)^{\gamma})",
        *([_SOFTMAX] if logits else []),
    )
    slope = r"\frac{1}{n} \cdot \frac{u_j}{a_j}"
    if logits:
        slope = r"\frac{1}{n} \cdot (u_j - p_j \cdot \sum_k u_k)"
    return Written(tuple(_in_symbols(one, logits) for one in formulas), slope, numbers)


def _divergence(loss: Any) -> Written:
    return Written(
        (r"L = \frac{1}{n} \sum_j y_j \cdot \ln(\frac{y_j}{a_j})",),
        r"-\frac{1}{n} \cdot \frac{y_j}{a_j}",
        lambda b: b.elements(
            r"<y> \cdot \ln(\frac{<y>}{<a>})",
            r"-\frac{1}{<n>} \cdot \frac{<y>}{<a>}",
            -b.y / b.a,
            b.y * np.log(b.y / b.a),
            by_row=True,
        ),
    )


def _hinge(loss: Any) -> Written:
    return Written(
        (r"L = \frac{1}{n} \sum_j \max(1 - y_j \cdot a_j, 0)",),
        r"-\frac{1}{n} \cdot y_j \cdot [1 - y_j \cdot a_j > 0]",
        lambda b: b.elements(
            r"\max(1 - <y> \cdot <a>, 0)",
            r"-\frac{1}{<n>} \cdot <y> \cdot [1 - <y> \cdot <a> > 0]",
            -b.y * (1 - b.y * b.a > 0),
            np.maximum(1 - b.y * b.a, 0),
        ),
    )


def _squared_hinge(loss: Any) -> Written:
    return Written(
        (r"L = \frac{1}{n} \sum_j \max(1 - y_j \cdot a_j, 0)^{2}",),
        r"-\frac{2}{n} \cdot y_j \cdot \max(1 - y_j \cdot a_j, 0)",
        lambda b: b.elements(
            r"\max(1 - <y> \cdot <a>, 0)^{2}",
            r"-\frac{2}{<n>} \cdot <y> \cdot \max(1 - <y> \cdot <a>, 0)",
            -2 * b.y * np.maximum(1 - b.y * b.a, 0),
            np.maximum(1 - b.y * b.a, 0) ** 2,
        ),
    )


def _categorical_hinge(loss: Any) -> Written:
    def numbers(b: Batch) -> Numbers:
        others, s = (1 - b.y) * b.a, (b.y * b.a).sum(1)
        best, m = others.argmax(1), others.max(1)
        cost = np.maximum(1 + m - s, 0)
        lines = []
        for i in range(b.rows if b.is_written else 0):
            at, places = b.index(i), [b.of(i, j, {}) for j in range(b.outputs)]
            terms = [Piece(r"<y> \cdot <a>", of) for of in places]
            lines.append(LossLine(f"s{at}", summed(terms), float(s[i])))
            each = [Piece(r"(1 - <y>) \cdot <a>,", of) for of in places]
            each[0] = Piece(rf"= \max({each[0].text}", each[0].of)
            each[-1] = Piece(f"{each[-1].text[:-1]})", each[-1].of)
            lines.append(LossLine(f"m{at}", tuple(each), float(m[i])))
            of = {"m": float(m[i]), "s": float(s[i])}
            text = r"= \max(1 + <m> - <s>, 0)"
            lines.append(LossLine(f"l{at}", (Piece(text, of),), float(cost[i])))
        lines, total, n = b.samples(cost, lines)
        first = np.arange(b.outputs) == best[:, None]
        return Numbers(
            r"\frac{1}{<n>} \cdot [<l> > 0] \cdot (<best> \cdot (1 - <y>) - <y>)",
            (first * (1 - b.y) - b.y) * (cost > 0)[:, None] / n,
            {"y": b.y, "l": cost[:, None], "best": first.astype(float)},
            {"n": n},
            lines if b.is_written else [],
            total,
        )

    return Written(
        (
            r"L = \frac{1}{n} \sum_i l_i",
            r"l = \max(1 + m - s, 0)",
            r"s = \sum_j y_j \cdot a_j",
            r"m = \max_{j}((1 - y_j) \cdot a_j)",
        ),
        r"\frac{1}{n} \cdot [l > 0] \cdot ([m = (1 - y_j) \cdot a_j] \cdot (1 - y_j) - y_j)",
        numbers,
    )


LOSSES: dict[str, Callable[[Any], Written]] = {
    "BinaryCrossentropy": _binary,
    "CategoricalCrossentropy": _categorical,
    "SparseCategoricalCrossentropy": _categorical,
    "BinaryFocalCrossentropy": _binary_focal,
    "CategoricalFocalCrossentropy": _categorical_focal,
    "KLDivergence": _divergence,
    "Hinge": _hinge,
    "SquaredHinge": _squared_hinge,
    "CategoricalHinge": _categorical_hinge,
}
