"""Formulas as LaTeX: activations and their slopes.

Beside a formula stands the same with places for numbers, ``<z>``; None where it has none to put in.
[z > 0] is 1 where that is so, else 0 (Iverson's bracket).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

__all__ = ["ACTIVATIONS", "DIGITS", "Activation", "factor", "plain", "tex"]

DIGITS = 6  # of numbers in LaTeX


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


def tex(value: Any) -> str:
    """A number of `DIGITS` significant digits."""
    mantissa, _, power = f"{float(value):.{DIGITS}g}".partition("e")
    mantissa = {"nan": r"\text{NaN}", "inf": r"\infty", "-inf": r"-\infty"}.get(mantissa, mantissa)
    return mantissa if not power else rf"{mantissa} \cdot 10^{{{int(power)}}}"


def factor(value: Any) -> str:
    """A number that may stand in a product."""
    text = tex(value)
    return f"({text})" if text.startswith("-") or "cdot" in text else text


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
