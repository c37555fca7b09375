"""Optimizers' rules, and what acts around them, as lines: see lines.py."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..constraints import Constraint, MaxNorm, MinMaxNorm, NonNeg
from .lines import Known, Line, Rule

__all__ = ["is_factored", "penalty_line", "rule_of"]

# G is the gradient; replaced by what it is called.
_G = r"\frac{\partial L}{\partial w}"
_MEAN = Line(
    r"m \leftarrow \beta_1 \cdot m + (1 - \beta_1) \cdot G",
    r"<beta_1> \cdot <m> + (1 - <beta_1>) \cdot <g>",
    "m'",
)
_SQUARES = Line(
    r"v \leftarrow \beta_2 \cdot v + (1 - \beta_2) \cdot (G)^{2}",
    r"<beta_2> \cdot <v> + (1 - <beta_2>) \cdot <g>^{2}",
    "v'",
)
_SQUARES_OF_RHO = Line(
    r"v \leftarrow \rho \cdot v + (1 - \rho) \cdot (G)^{2}",
    r"<rho> \cdot <v> + (1 - <rho>) \cdot <g>^{2}",
    "v'",
)


def _sgd(config: dict[str, Any], shape: tuple[int, ...]) -> list[Line]:
    if not config["momentum"]:
        return [Line(r"w \leftarrow w - \eta \cdot G", r"<w> - <eta> \cdot <g>", "w")]
    direction, numbers = "v", "<velocity'>"
    if config["nesterov"]:
        direction, numbers = r"(G + \mu \cdot v)", r"(<g> + <momentum> \cdot <velocity'>)"
    return [
        Line(r"v \leftarrow \mu \cdot v + G", r"<momentum> \cdot <velocity> + <g>", "velocity'"),
        Line(rf"w \leftarrow w - \eta \cdot {direction}", rf"<w> - <eta> \cdot {numbers}", "w"),
    ]


def _adam(config: dict[str, Any], shape: tuple[int, ...]) -> list[Line]:
    lines, greatest = [_MEAN, _SQUARES], ""
    if config["amsgrad"]:
        greatest = "_{max}"
        lines.append(Line(r"v_{max} \leftarrow \max(v_{max}, v)", r"\max(<v_max>, <v'>)", "v_max'"))
    return [
        *lines,
        Line(
            rf"w \leftarrow w - \eta \cdot \frac{{m / (1 - \beta_1^{{t}})}}"
            rf"{{\sqrt{{v{greatest} / (1 - \beta_2^{{t}})}} + \varepsilon}}",
            r"<w> - <eta> \cdot \frac{<m'> / (1 - <beta_1>^{<t>})}"
            rf"{{\sqrt{{<{'v_max' if greatest else 'v'}'> / (1 - <beta_2>^{{<t>}})}} + <epsilon>}}",
            "w",
        ),
    ]


def _nadam(config: dict[str, Any], shape: tuple[int, ...]) -> list[Line]:
    ahead = r"<beta_1> \cdot (1 - \frac{1}{2} \cdot 0.96^{0.004 \cdot "
    return [
        Line(
            r"\mu_{t} = \beta_1 \cdot (1 - \frac{1}{2} \cdot 0.96^{0.004 \cdot t})",
            rf"{ahead}<t>}})",
            "mu",
            "step",
        ),
        Line(
            r"\mu_{t+1} = \beta_1 \cdot (1 - \frac{1}{2} \cdot 0.96^{0.004 \cdot (t + 1)})",
            rf"{ahead}(<t> + 1)}})",
            "mu_next",
            "step",
        ),
        Line(r"\Pi_{t} = \Pi_{t-1} \cdot \mu_{t}", r"<product> \cdot <mu>", "product'", "step"),
        Line(
            r"\Pi_{t+1} = \Pi_{t} \cdot \mu_{t+1}",
            r"<product'> \cdot <mu_next>",
            "product_next",
            "step",
        ),
        _MEAN,
        _SQUARES,
        Line(
            r"u = \frac{\mu_{t+1}}{1 - \Pi_{t+1}} \cdot m + "
            r"\frac{1 - \mu_{t}}{1 - \Pi_{t}} \cdot G",
            r"\frac{<mu_next>}{1 - <product_next>} \cdot <m'> + "
            r"\frac{1 - <mu>}{1 - <product'>} \cdot <g>",
            "u",
        ),
        Line(
            r"w \leftarrow w - \eta \cdot \frac{u}{\sqrt{v / (1 - \beta_2^{t})} + \varepsilon}",
            r"<w> - <eta> \cdot \frac{<u>}{\sqrt{<v'> / (1 - <beta_2>^{<t>})} + <epsilon>}",
            "w",
        ),
    ]


def _adamax(config: dict[str, Any], shape: tuple[int, ...]) -> list[Line]:
    return [
        _MEAN,
        Line(
            r"u \leftarrow \max(\beta_2 \cdot u, |G| + \varepsilon)",
            r"\max(<beta_2> \cdot <u>, |<g>| + <epsilon>)",
            "u'",
        ),
        Line(
            r"w \leftarrow w - \eta \cdot \frac{m}{(1 - \beta_1^{t}) \cdot u}",
            r"<w> - <eta> \cdot \frac{<m'>}{(1 - <beta_1>^{<t>}) \cdot <u'>}",
            "w",
        ),
    ]


def _rmsprop(config: dict[str, Any], shape: tuple[int, ...]) -> list[Line]:
    lines, variance = [_SQUARES_OF_RHO], ("v", "<v'>")
    if config["centered"]:
        lines.append(
            Line(
                r"q \leftarrow \rho \cdot q + (1 - \rho) \cdot G",
                r"<rho> \cdot <mean> + (1 - <rho>) \cdot <g>",
                "mean'",
            )
        )
        variance = r"\max(v - q^{2}, 0)", r"\max(<v'> - <mean'>^{2}, 0)"
    roots = [rf"\sqrt{{{one}}}" for one in variance]
    step = rf"\frac{{G}}{{{roots[0]} + \varepsilon}}"
    numbers = rf"\frac{{<g>}}{{{roots[1]} + <epsilon>}}"
    if config["momentum"]:
        lines.append(
            Line(
                rf"b \leftarrow \mu \cdot b + {step}",
                rf"<momentum> \cdot <velocity> + {numbers}",
                "velocity'",
            )
        )
        step, numbers = "b", "<velocity'>"
    return [
        *lines,
        Line(rf"w \leftarrow w - \eta \cdot {step}", rf"<w> - <eta> \cdot {numbers}", "w"),
    ]


def _adagrad(config: dict[str, Any], shape: tuple[int, ...]) -> list[Line]:
    return [
        Line(r"s \leftarrow s + (G)^{2}", "<sum> + <g>^{2}", "sum'"),
        Line(
            r"w \leftarrow w - \eta \cdot \frac{G}{\sqrt{s} + \varepsilon}",
            r"<w> - <eta> \cdot \frac{<g>}{\sqrt{<sum'>} + <epsilon>}",
            "w",
        ),
    ]


def _adadelta(config: dict[str, Any], shape: tuple[int, ...]) -> list[Line]:
    return [
        _SQUARES_OF_RHO,
        Line(
            r"s = \frac{\sqrt{d + \varepsilon}}{\sqrt{v + \varepsilon}} \cdot G",
            r"\frac{\sqrt{<d> + <epsilon>}}{\sqrt{<v'> + <epsilon>}} \cdot <g>",
            "s",
        ),
        Line(
            r"d \leftarrow \rho \cdot d + (1 - \rho) \cdot s^{2}",
            r"<rho> \cdot <d> + (1 - <rho>) \cdot <s>^{2}",
            "d'",
        ),
        Line(r"w \leftarrow w - \eta \cdot s", r"<w> - <eta> \cdot <s>", "w"),
    ]


def _lion(config: dict[str, Any], shape: tuple[int, ...]) -> list[Line]:
    return [
        Line(
            r"w \leftarrow w - \eta \cdot \operatorname{sign}(\beta_1 \cdot m + "
            r"(1 - \beta_1) \cdot G)",
            r"<w> - <eta> \cdot \operatorname{sign}(<beta_1> \cdot <m> + (1 - <beta_1>) \cdot <g>)",
            "w",
        ),
        replace(
            _MEAN,
            formula=_MEAN.formula.replace(r"\beta_1", r"\beta_2"),
            numbers=_MEAN.numbers.replace("<beta_1>", "<beta_2>"),
        ),
    ]


def _ftrl(config: dict[str, Any], shape: tuple[int, ...]) -> list[Line]:
    if not config["learning_rate"]:
        return [Line(r"w \leftarrow w", "<w>", "w")]
    return [
        Line(r"n' = n + (G)^{2}", r"<accumulator> + <g>^{2}", "accumulator'"),
        Line(
            r"z \leftarrow z + G + 2 \cdot \lambda_s \cdot w - "
            r"\frac{(n')^{p} - n^{p}}{\eta} \cdot w",
            r"<linear> + <g> + 2 \cdot <l2_shrinkage_regularization_strength> \cdot <w> - "
            r"\frac{<accumulator'>^{<power>} - <accumulator>^{<power>}}{<eta>} \cdot <w>",
            "linear'",
        ),
        Line(
            r"w \leftarrow \frac{\min(\max(z, -\lambda_1), \lambda_1) - z}"
            r"{((n')^{p} + \beta) / \eta + 2 \cdot \lambda_2}",
            r"\frac{\min(\max(<linear'>, -<l1_regularization_strength>), "
            r"<l1_regularization_strength>) - <linear'>}"
            r"{(<accumulator'>^{<power>} + <beta>) / <eta> + "
            r"2 \cdot <l2_regularization_strength>}",
            "w",
        ),
    ]


def _adafactor(config: dict[str, Any], shape: tuple[int, ...]) -> list[Line]:
    def root(what: str, of: str) -> Line:
        return Line(
            rf"\operatorname{{rms}}({of}) = \sqrt{{\frac{{1}}{{n}} \cdot \sum {of}^{{2}}}}",
            rf"\sqrt{{\frac{{<squares_of_{of}>}}{{<size>}}}}",
            what,
            "parameter",
            lambda known: {
                f"squares_of_{of}": np.sum(np.asarray(known[of], np.float64) ** 2),
                "size": known[of].size,
            },
        )

    lines = [
        Line(r"\beta = 1 - t^{d}", "1 - <t>^{<beta_2_decay>}", "beta", "step"),
        Line(
            r"\rho = \min(\eta, \frac{1}{\sqrt{t}})",
            r"\min(<eta>, \frac{1}{\sqrt{<t>}})",
            "rate",
            "step",
        ),
    ]
    if is_factored(shape):

        def means(known: Known) -> dict[str, Any]:
            s = np.asarray(known["g"], np.float64) ** 2 + known["epsilon_1"]
            return {
                "row": s.mean(-1, keepdims=True) + 0 * s,
                "column": s.mean(-2, keepdims=True) + 0 * s,
            }

        lines += [
            Line(
                r"p_i \leftarrow \beta \cdot p_i + (1 - \beta) \cdot "
                r"\frac{1}{C} \cdot \sum_j ((G_{ij})^{2} + \varepsilon_1)",
                r"<beta> \cdot <p> + (1 - <beta>) \cdot <row>",
                "p'",
                helps=means,
            ),
            Line(
                r"q_j \leftarrow \beta \cdot q_j + (1 - \beta) \cdot "
                r"\frac{1}{R} \cdot \sum_i ((G_{ij})^{2} + \varepsilon_1)",
                r"<beta> \cdot <q> + (1 - <beta>) \cdot <column>",
                "q'",
                helps=means,
            ),
            Line(
                r"v = \frac{p_i \cdot q_j}{\frac{1}{R} \cdot \sum_k p_k}",
                r"\frac{<p'> \cdot <q'>}{<mean_of_p>}",
                "v'",
                helps=lambda known: {
                    "mean_of_p": known["p'"].mean(-2, keepdims=True) + 0 * known["p'"]
                },
            ),
        ]
    else:
        lines.append(
            Line(
                r"v \leftarrow \beta \cdot v + (1 - \beta) \cdot ((G)^{2} + \varepsilon_1)",
                r"<beta> \cdot <v> + (1 - <beta>) \cdot (<g>^{2} + <epsilon_1>)",
                "v'",
            )
        )
    return [
        *lines,
        Line(r"u = \frac{G}{\sqrt{v}}", r"\frac{<g>}{\sqrt{<v'>}}", "u"),
        root("rms_u", "u"),
        root("rms_w", "w"),
        Line(
            r"w \leftarrow w - \rho \cdot \max(\varepsilon_2, \operatorname{rms}(w)) \cdot "
            r"\frac{u}{\max(1, \operatorname{rms}(u) / \tau)}",
            r"<w> - <rate> \cdot \max(<epsilon_2>, <rms_w>) \cdot "
            r"\frac{<u>}{\max(1, <rms_u> / <clip_threshold>)}",
            "w",
        ),
    ]


def is_factored(shape: tuple[int, ...]) -> bool:
    """Whether Adafactor knows of a parameter's squares the means of rows and columns alone."""
    return len(shape) > 1 and min(shape[-2:]) > 1


_RULES: dict[str, Callable[[dict[str, Any], tuple[int, ...]], list[Line]]] = {
    "SGD": _sgd,
    "Adam": _adam,
    "AdamW": _adam,
    "Nadam": _nadam,
    "Adamax": _adamax,
    "RMSprop": _rmsprop,
    "Adagrad": _adagrad,
    "Adadelta": _adadelta,
    "Lion": _lion,
    "Ftrl": _ftrl,
    "Adafactor": _adafactor,
}


# ---- what stands around every rule ---------------------------------------------------------------


def _squares(known: Known) -> dict[str, Any]:
    return {"squares": np.sum(np.asarray(known["g"], np.float64) ** 2)}


def _gradient_lines(config: dict[str, Any]) -> list[Line]:
    """What becomes of the gradient before the rule takes it; `G` is it so far."""
    lines, so_far, square = [], "G", "(G)^{2}"
    if config["gradient_accumulation_steps"]:
        lines.append(
            Line(
                r"g \leftarrow \frac{1}{k} \cdot (S + G)",
                r"\frac{1}{<gradient_accumulation_steps>} \cdot (<accumulated> + <g>)",
                "g",
            )
        )
        so_far, square = "g", "g^{2}"
    if config["clipnorm"]:
        lines += [
            Line(
                rf"\|{so_far}\| = \sqrt{{\sum {square}}}",
                r"\sqrt{<squares>}",
                "norm",
                "parameter",
                _squares,
            ),
            Line(
                rf"g \leftarrow {so_far} \cdot \frac{{c}}{{\max(c, \|{so_far}\|)}}",
                r"<g> \cdot \frac{<clipnorm>}{\max(<clipnorm>, <norm>)}",
                "g",
            ),
        ]
    elif config["global_clipnorm"]:
        lines += [
            Line(
                rf"N = \sqrt{{\sum {square}}}",
                r"\sqrt{<squares_of_all>}",
                "norm_of_all",
                "step",
            ),
            Line(
                rf"g \leftarrow {so_far} \cdot \frac{{c}}{{\max(c, N)}}",
                r"<g> \cdot \frac{<global_clipnorm>}{\max(<global_clipnorm>, <norm_of_all>)}",
                "g",
            ),
        ]
    elif config["clipvalue"]:
        lines.append(
            Line(
                rf"g \leftarrow \min(\max({so_far}, -c), c)",
                r"\min(\max(<g>, -<clipvalue>), <clipvalue>)",
                "g",
            )
        )
    return lines


def _average_lines(config: dict[str, Any], t: int) -> list[Line]:
    if not config["use_ema"]:
        return []
    mean = Line(
        r"A \leftarrow \alpha \cdot A + (1 - \alpha) \cdot w",
        r"<ema_momentum> \cdot <average> + (1 - <ema_momentum>) \cdot <w>",
        "average'",
    )
    if t == 1:
        mean = Line(r"A \leftarrow w", "<w>", "average'")
    every = config["ema_overwrite_frequency"]
    if not every or t % every:
        return [mean]
    return [mean, Line(r"w \leftarrow A", "<average'>", "w")]


def _constraint_lines(constraint: Constraint | None) -> list[Line]:
    if constraint is None:
        return []
    if isinstance(constraint, NonNeg):
        return [Line(r"w \leftarrow \max(0, w)", r"\max(0, <w>)", "w")]
    axis = getattr(constraint, "axis", 0)

    def norm(known: Known) -> dict[str, Any]:
        w = np.asarray(known["w"], np.float64)
        return {"squares_along": np.sum(w**2, axis, keepdims=True) + 0 * w}

    lines = [Line(r"\|w\| = \sqrt{\sum w^{2}}", r"\sqrt{<squares_along>}", "norm_of_w", helps=norm)]
    if isinstance(constraint, MaxNorm):
        return [
            *lines,
            Line(
                r"w \leftarrow w \cdot ([\|w\| \le M] + [\|w\| > M] \cdot "
                r"\frac{M}{\|w\| + 10^{-7}})",
                r"<w> \cdot ([<norm_of_w> \le <max_value>] + [<norm_of_w> > <max_value>] \cdot "
                r"\frac{<max_value>}{<norm_of_w> + 10^{-7}})",
                "w",
            ),
        ]
    if isinstance(constraint, MinMaxNorm):
        return [
            *lines,
            Line(
                r"\nu = \min(\max(\|w\|, m), M)",
                r"\min(\max(<norm_of_w>, <min_value>), <max_value>)",
                "nearest",
            ),
            Line(
                r"o = [\|w\| < m] + [\|w\| > M]",
                r"[<norm_of_w> < <min_value>] + [<norm_of_w> > <max_value>]",
                "outside",
            ),
            Line(
                r"w \leftarrow w \cdot (1 - o + o \cdot "
                r"\frac{r \cdot \nu + (1 - r) \cdot \|w\|}{\|w\| + 10^{-7}})",
                r"<w> \cdot (1 - <outside> + <outside> \cdot \frac{<way> \cdot <nearest> + "
                r"(1 - <way>) \cdot <norm_of_w>}{<norm_of_w> + 10^{-7}})",
                "w",
            ),
        ]
    return [
        *lines,
        Line(
            r"w \leftarrow \frac{w}{\|w\| + 10^{-7}}",
            r"\frac{<w>}{<norm_of_w> + 10^{-7}}",
            "w",
        ),
    ]


def penalty_line(l1: float, l2: float) -> Line:
    """∂R/∂w of a parameter that a regularizer watches."""
    parts = [
        (r"\lambda_1 \cdot \operatorname{sign}(w)", r"<l1> \cdot \operatorname{sign}(<w>)"),
        (r"2 \cdot \lambda_2 \cdot w", r"2 \cdot <l2> \cdot <w>"),
    ]
    used = [part for part, value in zip(parts, (l1, l2), strict=True) if value] or [("0", "0")]
    formula, numbers = (" + ".join(texts) for texts in zip(*used, strict=True))
    return Line(rf"\frac{{\partial R}}{{\partial w}} = {formula}", numbers, "penalty")


def rule_of(
    optimizer: Any,
    shape: tuple[int, ...] = (),
    constraint: Constraint | None = None,
    is_spared: bool = False,
    is_penalised: bool = False,
) -> Rule:
    """How an optimizer's next step updates one parameter.

    Parameters
    ----------
    optimizer : Optimizer
        As it is before the step.
    shape : tuple of int
        The parameter's.
    constraint : Constraint or None
        What the parameter is held to.
    is_spared : bool
        Whether it does not decay.
    is_penalised : bool
        Whether the gradient is that of L + R.
    """
    make = _RULES.get(type(optimizer).__name__)
    if make is None or type(optimizer).__module__.partition(".")[0] != "mundur":
        return Rule((), {"eta": float(optimizer.learning_rate)})
    config: dict[str, Any] = optimizer.get_config()
    config["learning_rate"] = float(optimizer.learning_rate)
    scalars = optimizer._native.state()[1]
    several = config["gradient_accumulation_steps"] or 1
    gathered = int(scalars.get("accumulated", 0)) + 1
    t = int(optimizer.iterations) + 1
    numbers = {
        name: float(value)
        for name, value in config.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }
    numbers |= {
        "eta": config["learning_rate"],
        "t": t,
        "power": -numbers.get("learning_rate_power", 0.0),
        "lambda": 0.0 if is_spared else config["weight_decay"] or 0.0,
        "product": float(scalars.get("momentum_product", 1.0)),
    }
    if constraint is not None:
        limits = constraint.get_config()
        numbers |= {name: limits[name] for name in ("min_value", "max_value") if name in limits}
        numbers["way"] = limits.get("rate", 1.0)
    gradient = r"\frac{\partial (L + R)}{\partial w}" if is_penalised else _G
    if gathered < several:
        waiting = [
            Line(r"S \leftarrow S + G", "<accumulated> + <g>", "accumulated'"),
            Line(r"w \leftarrow w", "<w>", "w"),
        ]
        return Rule(tuple(_named(one, gradient) for one in waiting), numbers, several - gathered)
    before = _gradient_lines(config)
    lines = [_named(one, gradient) for one in before]
    if config["weight_decay"]:
        lines.append(
            Line(
                r"w \leftarrow w - \eta \cdot \lambda \cdot w",
                r"<w> - <eta> \cdot <lambda> \cdot <w>",
                "w",
            )
        )
    lines += [_named(one, "g" if before else gradient) for one in make(config, shape)]
    lines += [*_average_lines(config, t), *_constraint_lines(constraint)]
    return Rule(tuple(lines), numbers)


def _named(line: Line, gradient: str) -> Line:
    """The line with the gradient called so."""
    formula = line.formula
    if gradient == "g":
        formula = formula.replace("(G)", "G").replace("(G_{ij})", "G_{ij}")
    else:
        formula = formula.replace("G_{ij}", "G")
        inline = re.sub(r"\\frac\{(.*)\}\{(.*)\}", r"\1 / \2", gradient)
        formula = formula.replace(r"\frac{G}", rf"\frac{{{inline}}}")
    return replace(line, formula=formula.replace("G", gradient))
