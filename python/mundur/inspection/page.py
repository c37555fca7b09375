"""A page that walks through an explanation: its data, and the file that shows them.

The data are one JSON within the page. Arrays are little-endian bytes in base64, so every number is
the explanation's own, NaN too. What the page says stands in `page_texts`, how it looks and moves in
page.html, page.css and page.js.
"""

from __future__ import annotations

import json
import math
from base64 import b64encode
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .._support.checks import choice
from .formulas import ACTIVATIONS, Activation
from .gates import GATES
from .loss_terms import LossLine
from .losses import LossFormula, formulas_of, sum_of
from .page_texts import LANGUAGES, TEXTS
from .passes import LayerPass, Passes
from .rules import penalty_line
from .terms import sums_of

__all__ = ["is_dense", "page", "page_data"]

Array = npt.NDArray[Any]

# Batches of so many samples are in the page whole; of larger ones, the sample that was asked for.
MOST_SAMPLES = 8
# Values of one sample behind one layer.
MOST_VALUES = 4096
# Elements of one kernel, and of all; beyond, those of the neurons with the largest δ.
MOST_OF_KERNEL, MOST_OF_ALL = 120_000, 400_000
# What is kept of a larger kernel: so many neurons, if their weights are not more than these.
NEURONS, MOST_WEIGHTS = 24, 100_000
# Of a recurrent layer whose gates are in the page.
MOST_STEPS, MOST_UNITS, MOST_INPUTS = 24, 16, 32
# Values of one layer's maps, of all samples together, and of its kernel's.
MOST_OF_MAPS, MOST_OF_KERNELS, MOST_MAPS = 40_000, 20_000, 32
# Up to so many elements of a parameter all is kept, the optimizer's state too; of a larger one, of
# so many single elements.
MOST_OF_STATE, MOST_SINGLE = 5_000, 128
# Weights of a parameter whose gradients are there term by term, terms of each, and places to go
# through for them.
MOST_SUMS, MOST_TERMS, MOST_PLACES = 1_000, 6, 20_000_000
BINS = 24

# What the axes of parameters are, by the kind of layer; of others they have numbers.
_AXES = {
    "Conv1D": ("axis_step", "axis_in", "axis_out"),
    "Conv2D": ("axis_row", "axis_column", "axis_in", "axis_out"),
    "Conv1DTranspose": ("axis_step", "axis_out", "axis_in"),
    "Conv2DTranspose": ("axis_row", "axis_column", "axis_out", "axis_in"),
    "DepthwiseConv1D": ("axis_step", "axis_in", "axis_multiple"),
    "DepthwiseConv2D": ("axis_row", "axis_column", "axis_in", "axis_multiple"),
    "Dense": ("axis_in", "axis_out"),
}
_AXES_OF = {
    "embeddings": ("axis_id", "axis_component"),
    "bias": ("axis_out",),
    "gamma": ("axis_channel",),
    "beta": ("axis_channel",),
    "alpha": ("axis_channel",),
}

_HERE = Path(__file__).parent


def page(explanation: Passes, language: str, sample: int) -> str:
    """See `Explanation.to_html`."""
    choice(language, "language", *LANGUAGES)
    data = page_data(explanation, explanation.number_of(sample)) | {
        "language": language,
        "texts": {code: {name: text[code] for name, text in TEXTS.items()} for code in LANGUAGES},
    }
    # "<" could end the script that holds it.
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    parts = {
        "language": language,
        "title": TEXTS["title"][language],
        "style": _file("page.css"),
        "script": _file("page.js"),
        "data": text.replace("<", "\\u003c").replace("\u2028", "\\u2028"),
    }
    made = _file("page.html")
    before, *pieces = made.split("{{")
    found = [before]
    for piece in pieces:
        name, _, rest = piece.partition("}}")
        found += [parts[name], rest]
    return "".join(found)


def _file(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def page_data(explanation: Passes, sample: int = 0) -> dict[str, Any]:
    """What the page shows, but for its language."""
    return _Data(explanation, sample).whole()


def packed(array: Array) -> dict[str, Any]:
    """An array for the page: its shape, whether float32, float64 or int32, and its bytes."""
    kind = {"f": "f4" if array.dtype.itemsize <= 4 else "f8"}.get(array.dtype.kind, "i4")
    data = np.ascontiguousarray(array, f"<{kind}").tobytes()
    return {"shape": list(array.shape), "type": kind, "data": b64encode(data).decode()}


def scalar(value: Any) -> float | str:
    """A number, or the word by which JavaScript knows one that is not finite."""
    number = float(value)
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def summary(array: Array) -> dict[str, Any]:
    """What stands for many numbers: their norm, range, mean and histogram."""
    values = np.asarray(array, np.float64).reshape(-1)
    finite = values[np.isfinite(values)]
    low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 0.0)
    half = high / 2 - low / 2  # finite where the range is not
    places = (finite / 2 - low / 2) / half if half else np.full(len(finite), 0.5)
    counts = np.bincount(np.minimum((BINS * places).astype(int), BINS - 1), minlength=BINS)
    with np.errstate(all="ignore"):
        norm, mean = np.linalg.norm(values), values.mean() if len(values) else 0.0
    return {
        "size": len(values),
        "norm": scalar(norm),
        "mean": scalar(mean),
        "low": scalar(low),
        "high": scalar(high),
        "counts": [int(count) for count in counts],
    }


def is_dense(step: LayerPass) -> bool:
    """Whether z = Σ x·w + b of one row, bfloat16's rounding aside."""
    return step._off_the_sum is not None and step._off_the_sum <= 0.02


def is_rounded(step: LayerPass) -> bool:
    """Whether the products of that sum were rounded on their way."""
    return is_dense(step) and (step._off_the_sum or 0) > 1e-4


def is_elementwise(step: LayerPass) -> bool:
    """Whether a layer is an activation by itself."""
    return (
        not step.parameters
        and not isinstance(step.x, tuple)
        and step.activation != "linear"
        and step.x.shape == step.z.shape
    )


def kernels_by_map(step: LayerPass) -> list[Array] | None:
    """A convolution's kernel, and ∂L/∂kernel if it learns: (maps, inputs, height, width)."""
    axes = {
        "Conv2D": (3, 2, 0, 1),
        "Conv2DTranspose": (2, 3, 0, 1),
        "DepthwiseConv2D": (2, 3, 0, 1),
    }.get(step.kind)
    if axes is None:
        return None
    found = []
    for arrays in (step.parameters, step.gradients):
        if "kernel" in arrays:
            turned = arrays["kernel"].transpose(axes)
            # Each input of a depthwise layer has maps of its own.
            one = step.kind == "DepthwiseConv2D"
            found.append(turned.reshape(-1, 1, *turned.shape[2:]) if one else turned)
    return found


def axes_of(step: LayerPass, name: str) -> dict[str, Any]:
    """What the axes of a parameter are called, and the gates in order along one of them."""
    own = name.rpartition("/")[2]
    scopes = {one.name.removeprefix(f"{step.name}/"): one for one in step.within}
    inner = scopes.get(name.rpartition("/")[0], step)
    ndim = inner.parameters[own if inner is not step else name].ndim
    if inner.recurrence is not None:
        first = {"kernel": "axis_in", "recurrent_kernel": "axis_unit"}.get(own, "axis_which")
        axes = (first, "axis_gate")[2 - ndim :]
        return {"axes": axes, "gates": GATES[inner.recurrence.cell]}
    kind = {"depthwise_kernel": "DepthwiseConv", "pointwise_kernel": "Conv"}.get(own)
    name = step.kind if kind is None else f"{kind}{ndim - 2}D"
    axes = _AXES.get(name, ()) if own.endswith("kernel") else _AXES_OF.get(own, ())
    return {"axes": axes if len(axes) == ndim else ()}


class _Data:
    def __init__(self, explanation: Passes, sample: int) -> None:
        self._all = explanation
        count = explanation.samples
        self._samples = list(range(count)) if count <= MOST_SAMPLES else [sample]
        self._sample = sample
        self._left = MOST_OF_ALL
        self._update = explanation.update
        self._notes: list[dict[str, Any]] = []

    def whole(self) -> dict[str, Any]:
        e = self._all
        checks, why_not = e._checks
        layers = [self._layer(step, checks) for step in e.layers]
        columns = self._columns()
        for layer in layers:
            layer["column"] = columns[layer["name"]]
        names = list(dict.fromkeys(name for step in e.layers for name in step.reads))
        inputs = [name for name in names if self._home(name) not in columns]
        if e.samples > MOST_SAMPLES:
            self._note("one_of_many", e.samples, self._sample)
        if any(layer.get("columns") is not None for layer in layers):
            self._note("some_neurons", NEURONS)
        if any("python" in step.notes for step in e.layers):
            self._note("python_layers")
        if any("masks" in step.notes for step in e.layers):
            self._note("masked")
        if any("rounded" in layer["notes"] for layer in layers):
            self._note("rounded", "bfloat16")
        if why_not:
            self._note("not_again", why_not)
        return {
            "count": e.samples,
            "samples": self._samples,
            "sample": self._sample,
            "dtype": str(e.layers[-1].a.dtype),
            "inputs": [self._input(name) for name in inputs],
            "layers": layers,
            "outputs": list(e.outputs),
            "loss": self._loss(),
            "update": self._rule(),
            "why_not": why_not,
            "checked": [
                sum(len(places) for places, _, _ in checks.values()),
                sum(gradient.size for gradient in e.gradients.values()),
            ],
            "notes": self._notes,
        }

    def _note(self, name: str, *values: Any) -> None:
        self._notes.append({"name": name, "values": [str(value) for value in values]})

    @staticmethod
    def _home(name: str) -> str:
        """Of "lstm[1]", a state, the pass that made it."""
        return name.partition("[")[0]

    def _columns(self) -> dict[str, int]:
        """How far from the inputs each pass stands."""
        found: dict[str, int] = {}
        for step in self._all.layers:
            found[step.name] = 1 + max((found.get(self._home(n), 0) for n in step.reads), default=0)
        return found

    # ---- pieces ------------------------------------------------------------------------------

    def _rows(self, batch: Array) -> Array:
        """Those of the page's samples, as rows."""
        chosen = np.asarray(batch)[self._samples]
        return chosen.reshape(len(self._samples), -1)

    def _values(self, batch: Array) -> dict[str, Any]:
        rows = self._rows(batch)
        found: dict[str, Any] = {"packed": packed(rows[:, :MOST_VALUES])}
        if rows.shape[1] > 1:
            found["summaries"] = [summary(row) for row in rows]
        return found

    def _input(self, name: str) -> dict[str, Any]:
        for step in self._all.layers:
            if name in step.reads:
                x = step.inputs[step.reads.index(name)]
                maps = self._maps(np.asarray(x))
                return {
                    "name": name,
                    "shape": list(x.shape[1:]),
                    "a": self._values(x),
                    "maps": maps,
                }
        raise KeyError(name)

    def _layer(self, step: LayerPass, checks: dict[str, Any]) -> dict[str, Any]:
        dense, elementwise = is_dense(step), is_elementwise(step)
        found: dict[str, Any] = {
            "name": step.name,
            "kind": step.kind,
            "activation": step.activation,
            "form": "dense" if dense else "elementwise" if elementwise else "other",
            "reads": list(step.reads),
            "takes": [list(x.shape[1:]) for x in step.inputs],
            "shape": list(step.a.shape[1:]),
            "notes": [*step.notes, *(["rounded"] if is_rounded(step) else [])],
            "values": {
                name: self._values(getattr(step, name))
                for name in ("z", "a", "slope", "da", "delta")
                if getattr(step, name) is not None
            },
            "formula": self._formula(step),
            "costs": self._costs(step),
            "columns": None,
            "gates": self._gates(step),
            "maps": self._maps(step.a, step.delta, step),
        }
        if dense:
            found["columns"] = kept = self._kept(step)
            inputs = step.x.shape[1] if kept is None or kept else MOST_VALUES
            found["x"] = packed(self._rows(step.x)[:, :inputs])
        found["parameters"] = [
            self._parameter(step, name, checks, found["columns"]) for name in step.parameters
        ]
        return found

    def _gates(self, step: LayerPass) -> list[dict[str, Any]] | None:
        """Of a recurrent layer, or of each that one holds."""
        if "holds_recurrent" in step.notes:
            return [{"why": "gates_within", "values": [step.kind]}]
        cells = (step,) if step.recurrence is not None else step.within
        return [
            {
                "kind": one.recurrence.cell if one.recurrence else "",
                "name": one.name.rpartition("/")[2],
                "prefix": one.name.removeprefix(step.name).lstrip("/") + "/" if step.within else "",
                **self._cell(one),
            }
            for one in cells
        ] or None

    def _cell(self, step: LayerPass) -> dict[str, Any]:
        """Gates and states at every step; of a long sequence, why they are not there."""
        assert step.recurrence is not None
        names, x = GATES[step.recurrence.cell], step.inputs[0]
        sizes = x.shape[1], step.recurrence.delta.shape[2] // len(names), x.shape[2]
        most = MOST_STEPS, MOST_UNITS, MOST_INPUTS
        if any(size > limit for size, limit in zip(sizes, most, strict=True)):
            return {"why": "gates_large", "values": [*most, *sizes]}
        gates = step.gates
        if gates is None:
            return {"why": "gates_unknown", "values": []}

        def rows(of: dict[str, Array]) -> dict[str, Any]:
            return {name: packed(self._rows(array)) for name, array in of.items()}

        return {
            "names": list(names),
            "steps": sizes[0],
            "units": sizes[1],
            "inputs": sizes[2],
            "order": gates.order,
            "after": step.recurrence.reset_after,
            "f": self._function(step.recurrence.activation),
            "s": self._function(step.recurrence.recurrent_activation),
            "x": packed(self._rows(x)),
            "first": [packed(self._rows(one)) for one in step.inputs[1:]],
            "heard": packed(self._rows(gates.heard.astype(np.int32))),
            "values": rows(gates.values),
            "sums": rows(gates.sums),
            "slopes": rows(gates.slopes),
            "deltas": rows(gates.deltas),
            "errors": rows(gates.errors),
        }

    def _maps(
        self, a: Array, delta: Array | None = None, step: Any = None
    ) -> dict[str, Any] | None:
        """Feature maps and δ maps of images, channel by channel; of many those that are largest."""
        if a.ndim != 4 or not a.size or a.dtype.kind not in "fiub":
            return None
        height, width, channels = a.shape[1:]
        pixels = height * width * len(self._samples)
        count = min(channels, MOST_MAPS, MOST_OF_MAPS // pixels)
        if not count:
            return {"why": "maps_large", "values": [height, width]}
        sizes = np.nan_to_num(np.abs(a[self._samples].astype(np.float64))).sum((0, 1, 2))
        kept = np.sort(np.argsort(-sizes, kind="stable")[:count])
        found: dict[str, Any] = {
            "height": height,
            "width": width,
            "channels": [int(c) for c in kept],
            "a": packed(self._rows(np.moveaxis(a, 3, 1)[:, kept])),
        }
        if delta is not None:
            found["delta"] = packed(self._rows(np.moveaxis(delta, 3, 1)[:, kept]))
        kernels = None if step is None else kernels_by_map(step)
        if kernels is not None and kernels[0][kept].size <= MOST_OF_KERNELS:
            names = ("kernel", "gradient")
            found |= {n: packed(k[kept]) for n, k in zip(names, kernels, strict=False)}
        return found | (
            {"why": "maps_some", "values": [count, channels]} if count < channels else {}
        )

    @staticmethod
    def _function(name: str) -> dict[str, Any]:
        of = ACTIVATIONS.get(name) or Activation("", "")
        return {"name": name, "f_n": of.f_numbers, "slope": of.slope}

    @staticmethod
    def _formula(step: LayerPass) -> dict[str, Any]:
        of = ACTIVATIONS.get(step.activation) or Activation("", "")
        if step.activation in ("softmax", "log_softmax"):
            of = Activation("", "")
        return {"f": of.f, "slope": of.slope, "f_n": of.f_numbers, "slope_n": of.slope_numbers}

    @staticmethod
    def _costs(step: LayerPass) -> bool:
        """Whether the outputs cost by themselves, which is in δ but not in ∂L/∂a."""
        if step.slope is None:
            return False
        product = step.slope.astype(np.float64) * step.da
        return not np.allclose(step.delta, product, 1e-4, 1e-30, equal_nan=True)

    def _kept(self, step: LayerPass) -> list[int] | None:
        """The neurons whose weights are in the page; None for all."""
        kernel = step.parameters["kernel"]
        if kernel.size <= min(MOST_OF_KERNEL, self._left):
            self._left -= kernel.size
            return None
        delta = np.abs(self._rows(step.delta)[self._samples.index(self._sample), :MOST_VALUES])
        count = min(NEURONS, MOST_WEIGHTS // len(kernel))
        order = np.argsort(-np.nan_to_num(delta), kind="stable")[:count]
        return [int(j) for j in np.sort(order)]

    def _parameter(
        self, step: LayerPass, name: str, checks: dict[str, Any], columns: list[int] | None
    ) -> dict[str, Any]:
        path = f"{step.name.partition(':')[0]}/{name}"
        value, gradient = step.parameters[name], step.gradients.get(name)
        new = None if self._update is None else self._update.parameters.get(path)
        found: dict[str, Any] = {
            "name": name,
            "path": path,
            "shape": list(value.shape),
            "summary": summary(value),
            "learns": gradient is not None,
            **axes_of(step, name),
        }
        if gradient is not None:
            found["gradient"] = summary(gradient)
        for own, l1, l2 in step.penalty_factors:
            if own == name:
                line = penalty_line(l1, l2)
                known = {"l1": scalar(l1), "l2": scalar(l2)}
                found["penalty"] = {"numbers": line.numbers, "formula": line.formula, "of": known}
        lines, known, arrays = self._lines(path)
        found |= {"lines": lines, "known": known}
        small = value.size <= MOST_OF_STATE
        is_held = is_dense(step) and (name == "kernel" or value.size <= MOST_OF_KERNEL)
        whole = {"w": value, "g": gradient, "new": new, "penalty": step.penalties.get(name)}
        if not small and gradient is not None:
            places = self._singles(gradient, checks.get(path))
            found["places"] = packed(places)
            found["singles"] = {
                slot: packed(v.reshape(-1)[places])
                for slot, v in (whole | arrays).items()
                if v is not None
            }
        if is_held or small:
            kept = whole | (arrays if small else {})
            if name == "kernel" and columns is not None:
                kept = {key: None if v is None else v[:, columns] for key, v in kept.items()}
            found["values"] = {k: packed(v) for k, v in kept.items() if v is not None}
        if gradient is not None and not is_dense(step):
            found["terms"] = self._terms(step, name)
        if path in checks and ":" not in step.name:
            found["check"] = self._check(*checks[path])
        return found

    @staticmethod
    def _terms(step: LayerPass, name: str) -> dict[str, Any] | None:
        """Of the weights with the largest gradients, the terms that count most."""
        sums, gradient = sums_of(step, name), step.gradients[name]
        if sums is None:
            return None
        most = min(MOST_SUMS, max(1, MOST_PLACES // max(1, math.prod(sums.places))))
        order = np.argsort(-np.nan_to_num(np.abs(gradient.reshape(-1))), kind="stable")[:most]
        flats, made = np.sort(order).astype(np.int32), []
        for place in zip(*np.unravel_index(flats, gradient.shape), strict=True):
            terms = sums.of(tuple(int(i) for i in place))
            if terms is None:
                return None
            made.append(terms)
        shown = [terms.largest(MOST_TERMS) for terms in made]
        pairs = list(zip(made, shown, strict=True))
        formulas = list(dict.fromkeys(terms.formula for terms in made))
        given = [terms.given[some] for terms, some in pairs if terms.given is not None]
        others = [terms.sum - terms.values[some].sum() for terms, some in pairs]
        found = {
            "formulas": formulas,
            "which": packed(np.array([formulas.index(terms.formula) for terms in made])),
            "flats": packed(flats),
            "counts": packed(np.array([(len(terms.delta), len(some)) for terms, some in pairs])),
            "delta": packed(np.concatenate([terms.delta[some] for terms, some in pairs])),
            "places": packed(np.concatenate([terms.places[some] for terms, some in pairs])),
            "others": packed(np.array(others)),
        }
        if given:
            found["given"] = packed(np.concatenate(given))
        return found

    @staticmethod
    def _singles(gradient: Array, check: Any) -> Array:
        """Of a large parameter the elements that are kept: largest gradients, and some checked."""
        g = np.nan_to_num(np.abs(gradient.reshape(-1)))
        most = min(MOST_SINGLE, g.size)
        found = np.argpartition(-g, most - 1)[:most]
        found = found[np.argsort(-g[found], kind="stable")]
        seen = dict.fromkeys(found.tolist())
        if check is not None:
            seen |= dict.fromkeys(check[0][:MOST_SINGLE].tolist())
        return np.array(list(seen), np.int64)

    def _lines(self, path: str) -> tuple[list[Any] | None, dict[str, Any], dict[str, Array]]:
        """How a parameter is updated; numbers for all of it; and arrays of those for each weight.

        A line's result is its "value", or in the array of its number.
        """
        worked = None if self._update is None else self._update.worked.get(path)
        if worked is None:
            return None, {}, {}
        known = {name: scalar(v) for name, v in worked.known.items() if not np.ndim(v)}
        arrays = {name: v for name, v in worked.known.items() if np.ndim(v)}
        lines = []
        for k, (line, result) in enumerate(zip(worked.lines, worked.results, strict=True)):
            told: dict[str, Any] = {
                "formula": line.formula,
                "left": line.left,
                "numbers": line.numbers,
                "makes": line.makes,
                "of": line.of,
            }
            if k == worked.last:
                told["last"] = True
            elif np.ndim(result):
                arrays[f"@{k}"] = result
            else:
                told["value"] = scalar(result)
            lines.append(told)
        return lines, known, arrays

    @staticmethod
    def _check(places: Array, backward: Array, slopes: Array) -> dict[str, Any]:
        left, central, right = slopes.T
        scale = max(np.abs(backward).max(initial=0.0), np.abs(central).max(initial=0.0))
        off = np.abs(backward - central)
        between = (np.minimum(left, right) <= backward) & (backward <= np.maximum(left, right))
        kinks = (off > 1e-6 * scale) & between
        smooth = off[~kinks].max(initial=0.0)
        return {
            "places": packed(places),
            "backward": packed(backward),
            "central": packed(central),
            "kinks": packed(kinks.astype(np.int32)),
            "difference": scalar(smooth / scale if scale > 0 else smooth),
        }

    # ---- loss and update -----------------------------------------------------------------------

    def _loss(self) -> dict[str, Any]:
        e, formulas = self._all, formulas_of(self._all)
        whole = sum_of(e, formulas)
        targets = e.y if isinstance(e.y, tuple) else (e.y,)
        return {
            "name": e.loss_name,
            "value": scalar(e.loss),
            "penalty": scalar(e.penalty),
            "sum": whole and {"formula": whole.formula, "line": self._line(whole.line)},
            "outputs": [
                {"of": name} | self._target(y) | (self._own_loss(formula) if formula else {})
                for name, y, formula in zip(e.outputs, targets, formulas, strict=True)
            ],
        }

    def _target(self, y: Any) -> dict[str, Any]:
        if y is not None and np.asarray(y).dtype.kind in "biuf" and np.ndim(y):
            return {"y": self._values(np.asarray(y, np.float64))}
        return {}

    def _own_loss(self, formula: LossFormula) -> dict[str, Any]:
        return {
            "kind": formula.kind,
            "symbol": formula.symbol,
            "value": scalar(formula.value),
            "formulas": formula.formulas,
            "slope": formula.slope,
            "slope_n": formula.slope_numbers,
            "known": {name: packed(self._rows(v)) for name, v in formula.known.items()},
            "numbers": {name: scalar(v) for name, v in formula.numbers.items()},
            "lines": [self._line(line) for line in formula.lines],
        }

    @staticmethod
    def _line(line: LossLine) -> dict[str, Any]:
        pieces = [
            {"text": text, "of": {name: scalar(v) for name, v in of.items()}}
            for text, of in line.pieces
        ]
        return {"left": line.left, "pieces": pieces, "value": scalar(line.value)}

    def _rule(self) -> dict[str, Any] | None:
        step = self._update
        if step is None:
            return None
        return {
            "optimizer": step.optimizer,
            "rate": scalar(step.learning_rate),
            "lines": [line.formula for line in step.lines()],
            "waits": step.waits,
            "loss": scalar(step.loss),
        }
