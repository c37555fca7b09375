"""Losses of whole batches as formulas: Dice's, Tversky's and Circle's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from .loss_terms import LEAST, Batch, LossLine, Numbers, Piece, Written, summed

__all__ = ["LOSSES"]


def _overlap(loss: Any) -> Written:
    """Dice's and Tversky's."""
    c, d, alpha, beta = loss._numbers()
    is_dice = type(loss).__name__ == "Dice"

    def numbers(b: Batch) -> Numbers:
        along = range(2) if loss.axis is None else loss.axis
        axes = tuple(sorted({axis % 2 for axis in along}))
        sums = {
            "I": (b.y * b.a).sum(axes, keepdims=True),
            "Y": b.y.sum(axes, keepdims=True),
            "A": b.a.sum(axes, keepdims=True),
        }
        D = d * sums["I"] + alpha * sums["Y"] + beta * sums["A"] + LEAST
        groups = float(1 if loss.reduction == "sum" else D.size)
        below = r"<Y> + <A> + 10^{-7}"
        if not is_dice:
            below = r"<I> + <alpha> \cdot (<Y> - <I>) + <beta> \cdot (<A> - <I>) + 10^{-7}"
        own = {"alpha": alpha, "beta": beta, "n": groups}
        lines, terms = [], []
        for number, place in enumerate(np.ndindex(D.shape) if b.is_written else ()):
            at = f"_{{{number + 1}}}" if D.size > 1 else ""
            inside = [
                (i, j)
                for i, j in np.ndindex(b.a.shape)
                if (i if D.shape[0] > 1 else 0, j if D.shape[1] > 1 else 0) == place
            ]
            for name, text in (("I", r"<y> \cdot <a>"), ("Y", "<y>"), ("A", "<a>")):
                each = [Piece(text, b.of(i, j, {})) for i, j in inside]
                lines.append(LossLine(name + at, summed(each), float(sums[name][place])))
            of = own | {name: float(v[place]) for name, v in sums.items()} | {"D": float(D[place])}
            lines.append(LossLine(f"D{at}", (Piece(f"= {below}", of),), of["D"]))
            top = r"2 \cdot <I>" if is_dice else "<I>"
            terms.append(Piece(rf"1 - \frac{{{top}}}{{<D>}}", of))
        total = float((1 - c * sums["I"] / D).sum() / groups)
        if terms:
            many = (r"\frac{1}{<n>} \cdot (", ")") if len(terms) > 1 else ("", "")
            lines.append(LossLine("L", summed(terms, *many), total))
        share = r"\frac{1}{<n>} \cdot " if D.size > 1 else ""
        return Numbers(
            rf"-{share}\frac{{2 \cdot (<y> \cdot <D> - <I>)}}{{<D>^{{2}}}}"
            if is_dice
            else rf"-{share}\frac{{<y> \cdot <D> - <I> \cdot ((1 - <alpha> - <beta>) \cdot <y> + "
            r"<beta>)}{<D>^{2}}",
            -c * (b.y * D - sums["I"] * (d * b.y + beta)) / D**2 / groups,
            {"y": b.y, "I": sums["I"], "D": D},
            own,
            lines,
            total,
        )

    sums = (r"I = \sum y \cdot a", r"Y = \sum y", r"A = \sum a")
    if is_dice:
        return Written(
            (r"L = 1 - \frac{2 \cdot I}{D}", *sums, r"D = Y + A + 10^{-7}"),
            r"-\frac{2 \cdot (y_j \cdot D - I)}{D^{2}}",
            numbers,
        )
    return Written(
        (
            r"L = 1 - \frac{I}{D}",
            *sums,
            r"D = I + \alpha \cdot (Y - I) + \beta \cdot (A - I) + 10^{-7}",
        ),
        r"-\frac{y_j \cdot D - I \cdot ((1 - \alpha - \beta) \cdot y_j + \beta)}{D^{2}}",
        numbers,
    )


def _circle(loss: Any) -> Written:
    gamma, margin = loss.gamma, loss.margin

    def numbers(b: Batch) -> Numbers:
        similar, labels = b.a @ b.a.T, b.y[:, 0]
        d = np.maximum(1 - similar, 0)
        alike = labels[:, None] == labels
        others = ~alike
        if loss.remove_diagonal:
            alike = alike & ~np.eye(b.rows, dtype=bool)
        near = np.exp(gamma * (d + margin) * (d - margin)) * alike
        far = np.exp(gamma * np.maximum(1 + margin - d, 0) * (1 - margin - d)) * others
        N, F = near.sum(1), far.sum(1)
        there = np.flatnonzero(alike.any(1) & others.any(1))
        cost = np.log1p(N * F)
        n = 1.0 if b.is_sum else float(len(there))
        by = near / N[:, None] * d - far / F[:, None] * np.where(d < 1 + margin, 1 - d, 0)
        pull = np.where(similar < 1, -2 * gamma / n * (N * F / (1 + N * F))[:, None] * by, 0)
        pull[np.setdiff1d(np.arange(b.rows), there)] = 0
        both = pull + pull.T
        own = {"gamma": gamma, "m": margin}
        lines: list[LossLine] = []
        is_written = b.is_written and b.rows <= 8 and len(there) > 0
        pair = (alike | others) if is_written else np.zeros((0, 0), bool)
        for i, j in np.argwhere(pair):
            if i > j:
                continue
            terms = [
                Piece(r"<a> \cdot <b>", {"a": float(p), "b": float(q)})
                for p, q in zip(b.a[i], b.a[j], strict=True)
            ]
            pieces = summed(terms, r"\max(1 - (", "), 0)")
            lines.append(LossLine(f"d_{{{i + 1}{j + 1}}}", pieces, float(d[i, j])))
        near_text = r"e^{<gamma> \cdot (<d> + <m>) \cdot (<d> - <m>)}"
        far_text = r"e^{<gamma> \cdot \max(1 + <m> - <d>, 0) \cdot (1 - <m> - <d>)}"
        for i in there if is_written else ():
            for name, text, which, value in (
                ("N", near_text, alike, N),
                ("F", far_text, others, F),
            ):
                terms = [Piece(text, own | {"d": float(d[i, j])}) for j in np.flatnonzero(which[i])]
                lines.append(LossLine(f"{name}_{{{i + 1}}}", summed(terms), float(value[i])))
            of = {"N": float(N[i]), "F": float(F[i])}
            text = r"= \ln(1 + <N> \cdot <F>)"
            lines.append(LossLine(f"l_{{{i + 1}}}", (Piece(text, of),), float(cost[i])))
        total = float(cost[there].sum() / n)
        if is_written:
            terms = [Piece("<l>", {"l": float(cost[i]), "n": n}) for i in there]
            lines.append(LossLine("L", summed(terms, r"\frac{1}{<n>} \cdot (", ")"), total))
        known: dict[str, npt.NDArray[Any]] = {}
        slope = []
        for r in range(b.rows if b.rows <= 8 else 0):
            known |= {f"t_{r}": both[:, r, None], f"b_{r}": b.a[r]}
            slope.append(rf"<t_{r}> \cdot <b_{r}>")
        return Numbers(" + ".join(slope), both @ b.a, known, own | {"n": n}, lines, total)

    over = r"\sum_{j \neq i}" if loss.remove_diagonal else r"\sum_j"
    return Written(
        (
            r"L = \frac{1}{n} \sum_i l_i",
            r"l_i = \ln(1 + N_i \cdot F_i)",
            rf"N_i = {over} [y_j = y_i] \cdot e^{{\gamma \cdot (d_{{ij}} + m) \cdot "
            r"(d_{ij} - m)}",
            r"F_i = \sum_j [y_j \neq y_i] \cdot e^{\gamma \cdot \max(1 + m - d_{ij}, 0) \cdot "
            r"(1 - m - d_{ij})}",
            r"d_{ij} = \max(1 - \sum_k a_{ik} \cdot a_{jk}, 0)",
            r"t_{ir} = -(\frac{\partial L}{\partial d_{ir}} + \frac{\partial L}{\partial d_{ri}})",
        ),
        r"\sum_r t_{ir} \cdot a_{rj}",
        numbers,
    )


LOSSES: dict[str, Callable[[Any], Written]] = {
    "Tversky": _overlap,
    "Dice": _overlap,
    "Circle": _circle,
}
