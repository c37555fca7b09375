"""Formulas as LaTeX: activations and their slopes, losses.

Beside a formula stands the same with places for numbers, ``<z>``; None where it has none to put in.
[z > 0] is 1 where that is so, else 0 (Iverson's bracket).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "LossFormula",
    "loss_formula",
    "plain",
]

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Activation:
    """f and f′ of single elements: of z, and of a where that is shorter."""

    f: str
    slope: str
    f_numbers: str | None = None
    slope_numbers: str | None = None


def _same(f: str, slope: str) -> Activation:
    """Numbers go where z and a stand as `@z` and `@a`."""

    def named(text: str) -> str:
        return text.replace("@", "")

    def numbered(text: str) -> str:
        return text.replace("@z", "<z>").replace("@a", "<a>")

    return Activation(named(f), named(slope), numbered(f), numbered(slope))


ACTIVATIONS: dict[str, Activation] = {
    "linear": Activation("z", "1"),
    "relu": _same(r"\max(0, @z)", "[@z > 0]"),
    "leaky_relu": _same(r"\max(0.2 \cdot @z, @z)", r"[@z > 0] + 0.2 \cdot [@z \le 0]"),
    "relu6": _same(r"\min(\max(0, @z), 6)", "[0 < @z < 6]"),
    "sigmoid": _same(r"\frac{1}{1 + e^{-@z}}", r"@a \cdot (1 - @a)"),
    "tanh": _same(r"\tanh(@z)", "1 - @a^{2}"),
    "elu": _same(r"\max(0, @z) + \min(0, e^{@z} - 1)", r"[@z > 0] + [@z \le 0] \cdot e^{@z}"),
    "selu": Activation(
        r"\lambda \cdot (\max(0, z) + \min(0, \alpha \cdot (e^{z} - 1)))",
        r"\lambda \cdot ([z > 0] + [z \le 0] \cdot \alpha \cdot e^{z})",
    ),
    "gelu": Activation(r"z \cdot \Phi(z)", r"\Phi(z) + z \cdot \varphi(z)"),
    "gelu_tanh": Activation(
        r"\frac{z}{2} \cdot (1 + \tanh(u)), u = \sqrt{2/\pi} \cdot (z + 0.044715 \cdot z^{3})",
        r"\frac{1}{2} \cdot (1 + \tanh(u)) + \frac{z}{2} \cdot (1 - \tanh(u)^{2}) \cdot u'",
    ),
    "silu": Activation(
        r"z \cdot \sigma(z), \sigma(z) = \frac{1}{1 + e^{-z}}",
        r"\sigma(z) + a \cdot (1 - \sigma(z))",
    ),
    "softplus": _same(r"\ln(1 + e^{@z})", r"\frac{1}{1 + e^{-@z}}"),
    "softsign": _same(r"\frac{@z}{1 + |@z|}", r"\frac{1}{(1 + |@z|)^{2}}"),
    "mish": Activation(
        r"z \cdot \tanh(s), s = \ln(1 + e^{z})",
        r"\tanh(s) + z \cdot \frac{1}{1 + e^{-z}} \cdot (1 - \tanh(s)^{2})",
    ),
    "hard_sigmoid": _same(
        r"\frac{1}{6} \cdot \min(\max(0, @z + 3), 6)", r"\frac{1}{6} \cdot [-3 < @z < 3]"
    ),
    "hard_silu": _same(
        r"\frac{1}{6} \cdot @z \cdot \min(\max(0, @z + 3), 6)",
        r"\frac{1}{6} \cdot (2 \cdot @z + 3) \cdot [-3 < @z < 3] + [@z \ge 3]",
    ),
    "exponential": _same("e^{@z}", "@a"),
}


_LETTERS = {
    **{"cdot": "·", "leftarrow": "←", "partial": "∂", "varepsilon": "ε", "varphi": "φ", "le": "≤"},
    **{"eta": "η", "mu": "μ", "rho": "ρ", "beta": "β", "lambda": "λ", "alpha": "α", "sigma": "σ"},
    **{"Phi": "Φ", "Pi": "Π", "pi": "π", "ge": "≥", "sum": "Σ", "nu": "ν", "tau": "τ"},
}


def plain(formula: str) -> str:
    """A formula of this module in a line of text."""
    while True:
        found = re.search(r"\\frac\{([^{}]*)\}\{([^{}]*)\}|([\^_]|\\sqrt)\{([^{}]*)\}", formula)
        if found is None:
            break
        top, below, mark, inner = found.groups()
        mark = mark and mark.replace(r"\sqrt", "√")
        text = f"{mark}{_grouped(inner)}" if mark else f"{_grouped(top)}/{_grouped(below)}"
        formula = formula[: found.start()] + text + formula[found.end() :]
    formula = re.sub(r"\\operatorname\{(\w+)\}", r"\1", formula).replace(r"\|", "‖")
    formula = re.sub(r"\\([A-Za-z]+)", lambda name: _LETTERS.get(name[1], name[1]), formula)
    return formula.replace(" · ", "·").replace("∂ ", "∂").replace("'", "′")


def _grouped(text: str) -> str:
    simple = re.fullmatch(r"[\w.^]+|\\partial \w+|[|(][^()|]*[|)]", text)
    return text if simple else f"({text})"


# ---- losses --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LossFormula:
    """L over one output layer.

    Attributes
    ----------
    whole, slope : str
        L, and ∂L/∂a_j.
    factor, term, slope_numbers : str or None
        L is factor·(Σ term), with places for the numbers y, a, p and n; and its slope. None where
        these are not what this loss is made of.
    y, p : ndarray or None
        Targets as the formula has them, of the outputs' shape; and p, probabilities of logits.
    n : int
        What the mean is over.
    """

    whole: str
    slope: str
    factor: str | None = None
    term: str | None = None
    slope_numbers: str | None = None
    y: Array | None = None
    p: Array | None = None
    n: int = 1


_BINARY = r"-(<y> \cdot \ln(<p>) + (1 - <y>) \cdot \ln(1 - <p>))"
_PROBABILITIES = r"p_j = \frac{e^{a_j}}{\sum_k e^{a_k}}"
# (L, its slope, factor, term, slope with places), by what it is called and whether from logits.
_LOSSES: dict[tuple[str, bool], tuple[str, ...]] = {
    ("MeanSquaredError", False): (
        r"L = \frac{1}{n} \sum_j (y_j - a_j)^{2}",
        r"\frac{2}{n} \cdot (a_j - y_j)",
        r"\frac{1}{<n>}",
        "(<y> - <a>)^{2}",
        r"\frac{2}{<n>} \cdot (<a> - <y>)",
    ),
    ("MeanAbsoluteError", False): (
        r"L = \frac{1}{n} \sum_j |y_j - a_j|",
        r"\frac{1}{n} \cdot \operatorname{sign}(a_j - y_j)",
        r"\frac{1}{<n>}",
        "|<y> - <a>|",
        r"\frac{1}{<n>} \cdot \operatorname{sign}(<a> - <y>)",
    ),
    ("BinaryCrossentropy", False): (
        r"L = -\frac{1}{n} \sum_j (y_j \cdot \ln(a_j) + (1 - y_j) \cdot \ln(1 - a_j))",
        r"\frac{1}{n} \cdot \frac{a_j - y_j}{a_j \cdot (1 - a_j)}",
        r"\frac{1}{<n>}",
        _BINARY.replace("<p>", "<a>"),
        r"\frac{1}{<n>} \cdot \frac{<a> - <y>}{<a> \cdot (1 - <a>)}",
    ),
    ("BinaryCrossentropy", True): (
        r"L = -\frac{1}{n} \sum_j (y_j \cdot \ln(p_j) + (1 - y_j) \cdot \ln(1 - p_j)), "
        r"p_j = \frac{1}{1 + e^{-a_j}}",
        r"\frac{1}{n} \cdot (p_j - y_j)",
        r"\frac{1}{<n>}",
        _BINARY,
        r"\frac{1}{<n>} \cdot (<p> - <y>)",
    ),
    ("CategoricalCrossentropy", False): (
        r"L = -\frac{1}{n} \sum_j y_j \cdot \ln(a_j)",
        r"-\frac{1}{n} \cdot \frac{y_j}{a_j}",
        r"\frac{1}{<n>}",
        r"-<y> \cdot \ln(<a>)",
        r"-\frac{1}{<n>} \cdot \frac{<y>}{<a>}",
    ),
    ("CategoricalCrossentropy", True): (
        r"L = -\frac{1}{n} \sum_j y_j \cdot \ln(p_j), " + _PROBABILITIES,
        r"\frac{1}{n} \cdot (p_j - y_j)",
        r"\frac{1}{<n>}",
        r"-<y> \cdot \ln(<p>)",
        r"\frac{1}{<n>} \cdot (<p> - <y>)",
    ),
}
_MOST_CLASSES = 4096


def loss_formula(loss: Any, y: Any, y_pred: Any, gradient: Array) -> LossFormula | None:
    """What is known of a loss; its numbers only where they give that gradient.

    Parameters
    ----------
    loss : Loss
    y, y_pred, gradient : ndarray
        Targets, predictions and ∂L/∂predictions of the whole batch, samples first.
    """
    kind, logits = type(loss).__name__, bool(getattr(loss, "from_logits", False))
    if type(loss).__module__.partition(".")[0] != "mundur":
        return None
    found = _LOSSES.get((kind.replace("Sparse", ""), logits))
    if found is None:
        return None
    whole, slope, factor, term, slope_numbers = found
    general = LossFormula(whole, slope)
    if not isinstance(y_pred, np.ndarray) or y_pred.ndim != 2:
        return general
    a = y_pred.astype(np.float64)
    per_row = "Categorical" in kind
    if kind.startswith("Sparse"):
        if a.shape[1] > _MOST_CLASSES:
            return general
        targets = np.zeros_like(a)
        targets[np.arange(len(a)), np.asarray(y).reshape(-1).astype(int)] = 1
    else:
        targets = np.asarray(y, np.float64).reshape(a.shape)
        smoothing = float(getattr(loss, "label_smoothing", 0.0))
        if smoothing:
            targets = targets * (1 - smoothing) + smoothing / (a.shape[1] if per_row else 2)
    n = len(a) if per_row else a.size
    p = _probabilities(a, per_row) if logits else a
    with np.errstate(all="ignore"):
        slopes = {
            ("MeanSquaredError", False): 2 * (a - targets),
            ("MeanAbsoluteError", False): np.sign(a - targets),
            ("BinaryCrossentropy", False): (a - targets) / (a * (1 - a)),
            ("CategoricalCrossentropy", False): -targets / a,
        }.get((kind.replace("Sparse", ""), logits), p - targets)
    # Weights, ignored classes, clipped probabilities: then the formula alone is right.
    if not np.allclose(slopes / n, gradient, rtol=1e-4, atol=1e-6):
        return general
    used = p if logits else None
    return LossFormula(whole, slope, factor, term, slope_numbers, targets, used, n)


def _probabilities(a: Array, per_row: bool) -> Array:
    if not per_row:
        with np.errstate(over="ignore"):
            return np.asarray(1 / (1 + np.exp(-a)))
    e = np.exp(a - a.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))
