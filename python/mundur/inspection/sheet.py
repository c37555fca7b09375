"""An exercise sheet with solutions, in LaTeX: the numbers of an explanation as a calculation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .._support.checks import choice
from .formulas import ACTIVATIONS, DIGITS, factor, tex
from .lines import Worked
from .loss_terms import LossLine
from .losses import LossFormula, formulas_of, sum_of
from .page import is_dense
from .page_texts import LANGUAGES, TEXTS, says
from .passes import LayerPass, Passes
from .rules import penalty_line
from .terms import sums_of

__all__ = ["sheet"]

Array = npt.NDArray[Any]

# Of a layer that is calculated on paper.
MOST_NEURONS, MOST_INPUTS = 8, 8
# Of a batch that is calculated as a whole; of a larger one, one sample.
MOST_SAMPLES = 4
# Terms of one line, so that it fits on the page.
TERMS = 3
# Of a sum over many places.
MOST_SUMMED = 6
MOST_LETTERS = 80

_PREAMBLE = r"""\documentclass[a4paper]{article}
\usepackage{amsmath,tikz}
\usepackage[margin=20mm]{geometry}
\allowdisplaybreaks
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt}
\raggedright
\begin{document}"""
_SPECIAL = {c: rf"\{c}" for c in "#$%&_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "→": r"$\to$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "∂": r"$\partial$",
    "δ": r"$\delta$",
}


def sheet(explanation: Passes, language: str, sample: int) -> str:
    """See `Explanation.to_latex`."""
    choice(language, "language", *LANGUAGES)
    made = _Sheet(explanation, language, explanation.number_of(sample))
    return "\n".join(made.lines()) + "\n"


def escaped(text: str) -> str:
    """A name as LaTeX's text; what its fonts lack becomes a question mark."""
    return "".join(_SPECIAL.get(c, c if " " <= c < "ɐ" else "?") for c in text)


def letters(formula: str) -> int:
    """How many there are on paper, about."""
    return len(re.sub(r"\\[A-Za-z]+|[{}^_]", "·", formula).replace(" ·", "·"))


def fill(template: str, values: Mapping[str, Any]) -> str:
    """Puts numbers into their places, in brackets where a sign or a power stands beside others."""

    def put(found: re.Match[str]) -> str:
        before, after = template[: found.start()], template[found.end() :]
        alone = not before or (before[-1] in "({|" and after[:1] in (")", "}", "|"))
        return (tex if alone else factor)(values[found[1]])

    return re.sub(r"<([A-Za-z_0-9']+)>", put, template)


class _Sheet:
    def __init__(self, explanation: Passes, language: str, sample: int) -> None:
        self._all, self._language = explanation, language
        self._update = explanation.update
        self._number = {step.name: n for n, step in enumerate(explanation.layers, 1)}
        self._is_whole = explanation.samples <= MOST_SAMPLES
        self._samples = list(range(explanation.samples)) if self._is_whole else [sample]
        self._formulas = formulas_of(explanation)

    def _text(self, name: str, *values: Any) -> str:
        return TEXTS[name][self._language].format(*values) if values else self._plain(name)

    def _plain(self, name: str) -> str:
        return TEXTS[name][self._language]

    def lines(self) -> Iterator[str]:
        e = self._all
        yield _PREAMBLE
        yield rf"\section*{{{self._text('sheet_title')}}}"
        yield rf"{self._text('name')}: \hrulefill"
        yield ""
        yield rf"\subsection*{{{self._text('given')}}}"
        yield from self._given()
        yield rf"\subsection*{{{self._text('exercises')}}}"
        yield r"\begin{enumerate}"
        for ask in self._questions():
            yield rf"\item {ask}"
        yield r"\end{enumerate}"
        yield r"\newpage"
        yield rf"\section*{{{self._text('solutions')}}}"
        yield from self._part("forward", self._each(self._forward, e.layers))
        yield from self._part("loss", [self._loss()])
        yield from self._part("backward", self._each(self._deltas, e.layers[::-1]))
        learning = [step for step in e.layers if step.gradients]
        yield from self._part("gradients", [self._gradients(step) for step in learning[::-1]])
        if self._update is not None:
            yield from self._part("update", [self._rule(), *map(self._new, learning)])
            total = "L + R" if e.penalty else "L"
            yield rf"\[ {total} = {tex(e.loss + e.penalty)} \to {tex(self._update.loss)} \]"
        yield from self._part("check", [self._check()])
        yield r"\end{document}"

    def _part(self, name: str, pieces: Iterable[Iterable[str]]) -> Iterator[str]:
        title = {"gradients": r"$\partial L / \partial w$"}.get(name) or self._text(name)
        yield rf"\subsection*{{{title}}}"
        for piece in pieces:
            yield from piece

    def _each(
        self, told: Callable[[LayerPass, int], Iterator[str]], steps: Sequence[LayerPass]
    ) -> Iterator[Iterable[str]]:
        """Layer by layer, sample after sample."""
        for n in self._samples:
            yield self._title(n)
            for step in steps:
                yield told(step, n)

    def _title(self, n: int) -> Iterator[str]:
        if len(self._samples) > 1:
            yield rf"\subsubsection*{{{self._text('sample')} {n}}}"

    # ---- what is given, and what is asked ----------------------------------------------------

    def _given(self) -> Iterator[str]:
        e = self._all
        shapes = " → ".join(
            ["x", *(f"{s.name} ({s.kind}, {'×'.join(map(str, s.a.shape[1:]))})" for s in e.layers)]
        )
        yield self._text("sheet_network", escaped(shapes), DIGITS)
        yield ""
        if not self._is_whole:
            yield self._text("sheet_sample", self._samples[0], e.samples)
            yield ""
        yield from self._drawing()
        for step in e.layers:
            yield from self._weights(step)
        yield from self._losses()
        names = dict.fromkeys(name for step in e.layers for name in step.reads)
        for n in self._samples:
            told = [rf"\textbf{{{self._text('sample')} {n}}}"] if len(self._samples) > 1 else []
            for name in names:
                if name.partition("[")[0] not in self._number:
                    row = self._row(self._read(name), n)
                    told.append(rf"{self._text('inputs')}: ${escaped(name)} = {row}$")
            for name, y in self._targets():
                told.append(rf"{self._text('targets')}: ${name} = {self._row(y, n)}$")
            yield "\\quad ".join(told)
            yield ""

    def _losses(self) -> Iterator[str]:
        """Their formulas; names of those that have none."""
        whole, title = sum_of(self._all, self._formulas), self._text("loss")
        if whole is not None:
            told = f"${whole.formula}$" if whole.formula else escaped(self._all.loss_name)
            yield f"{title}: {told}"
            yield ""
        for name, formula in zip(self._all.outputs, self._formulas, strict=True):
            if formula is not None:
                written = [f"${one}$" for one in formula.formulas] or [escaped(formula.kind)]
                if whole is not None and not formula.formulas:
                    written.insert(0, f"${formula.symbol}$")
                of = title if whole is None else escaped(name)
                yield f"{of}: " + r",\quad ".join(written)
                yield ""
        every = [one for formula in self._formulas if formula for one in formula.formulas]
        for name in says(every):
            yield self._text(name)
            yield ""

    def _targets(self) -> Iterator[tuple[str, Array]]:
        e = self._all
        if not isinstance(e.y, tuple):
            yield "y", e.y
            return
        for name, y in zip(e.outputs, e.y, strict=True):
            if y is not None:
                yield rf"y_\text{{{escaped(name)}}}", y

    def _weights(self, step: LayerPass) -> Iterator[str]:
        if not step.parameters:
            return
        if not self._is_small(step):
            size = sum(value.size for value in step.parameters.values())
            neurons = int(np.prod(step.a.shape[1:]))
            yield rf"\textbf{{{escaped(step.name)}}}: {self._text('sheet_large', neurons, size)}"
            for name, value in step.parameters.items():
                yield rf"$\|\text{{{escaped(name)}}}\| = {tex(np.linalg.norm(value))}$"
            yield ""
            return
        kernel, bias = step.parameters["kernel"], step.parameters.get("bias")
        yield self._text("weights_of", rf"\textbf{{{escaped(step.name)}}}") + ":"
        rows = r" \\ ".join(" & ".join(map(tex, row)) for row in kernel)
        kernel_name, bias_name = self._symbol("W", step), self._symbol("b", step)
        yield rf"{{\small\[ {kernel_name} = \begin{{pmatrix}} {rows} \end{{pmatrix}} \]"
        if bias is not None:
            row = " & ".join(map(tex, bias))
            yield rf"\[ {bias_name} = \begin{{pmatrix}} {row} \end{{pmatrix}} \]"
        yield rf"}}\[ f(z) = {self._f(step)} \]"

    def _f(self, step: LayerPass) -> str:
        if step.activation == "softmax":
            return r"\frac{e^{z_j}}{\sum_k e^{z_k}}"
        found = ACTIVATIONS.get(step.activation)
        return found.f if found else rf"\text{{{escaped(step.activation)}}}(z)"

    def _questions(self) -> Iterator[str]:
        whole = ("forward", "loss", "backward", "gradient")
        for name in whole if self._is_whole else ("forward", "backward"):
            yield self._text(f"ask_{name}")
        if self._update is not None:
            optimizer = rf"\texttt{{{escaped(self._update.optimizer)}}}"
            yield self._text("ask_update", optimizer, tex(self._update.learning_rate))
            yield self._text("ask_after")

    def _drawing(self) -> Iterator[str]:
        """Circles and lines, where every column has few of them."""
        e = self._all
        if isinstance(e.x, tuple) or not all(self._is_small(step) for step in e.layers):
            return
        if any(
            step.reads[0] != name
            for name, step in zip(["x", *self._number], e.layers, strict=False)
        ):
            return
        sizes = [e.layers[0].x.shape[1], *(step.a.shape[1] for step in e.layers)]
        yield r"\begin{center}\begin{tikzpicture}[every node/.style={circle,draw,minimum size=8mm,"
        yield r"inner sep=0pt,font=\small}]"
        names = ["x", *("a" for _ in e.layers)]
        for c, (name, size) in enumerate(zip(names, sizes, strict=True)):
            for j in range(size):
                mark = f"^{{({c})}}" if c and len(e.layers) > 1 else ""
                y = (size - 1) / 2 - j
                at, letter = f"({3 * c},{1.1 * y:.2f})", f"${name}_{{{j + 1}}}{mark}$"
                yield rf"\node (n{c}-{j}) at {at} {{{letter}}};"
            for i in range(sizes[c - 1] if c else 0):
                for j in range(size):
                    yield rf"\draw[gray] (n{c - 1}-{i}) -- (n{c}-{j});"
        yield r"\end{tikzpicture}\end{center}"

    # ---- forward -----------------------------------------------------------------------------

    def _forward(self, step: LayerPass, n: int) -> Iterator[str]:
        if not self._is_small(step):
            yield from self._norms(step, {"a": step.a[n]})
            return
        x, kernel = step.x[n], step.parameters["kernel"]
        bias = step.parameters.get("bias")
        z, a = step.z[n], step.a[n]
        rows: list[list[str]] = []
        for j in range(len(z)):
            terms = [
                rf"{factor(v)} \cdot {factor(w)}" for v, w in zip(x, kernel[:, j], strict=True)
            ]
            terms += [] if bias is None else [factor(bias[j])]
            rows.append([self._symbol("z", step, j), *self._sum(terms), f"= {tex(z[j])}"])
        of = ACTIVATIONS.get(step.activation)
        for j in range(len(a)):
            one = self._symbol("a", step, j)
            zj = self._symbol("z", step, j)
            if step.activation == "linear":
                rows.append([one, f"= {zj}", f"= {tex(a[j])}"])
            elif step.activation == "softmax":
                below = " + ".join(f"e^{{{tex(v)}}}" for v in z[:TERMS]) + (
                    r" + \cdots" if len(z) > TERMS else ""
                )
                rows.append([one, rf"= \frac{{e^{{{tex(z[j])}}}}}{{{below}}}", f"= {tex(a[j])}"])
            else:
                numbers = of.f_numbers if of else None
                put = [] if numbers is None else [f"= {fill(numbers, {'z': z[j], 'a': a[j]})}"]
                rows.append([one, f"= f({zj})", *put, f"= {tex(a[j])}"])
        yield from self._aligned(step, rows)

    # ---- loss --------------------------------------------------------------------------------

    def _loss(self) -> Iterator[str]:
        e, whole = self._all, sum_of(self._all, self._formulas)
        rows: list[list[str]] = []
        for name, formula in zip(e.outputs, self._formulas, strict=True):
            if formula is None:
                continue
            alone = LossLine(formula.symbol, (), formula.value)
            rows += map(self._line, (self._is_whole and formula.lines) or (alone,))
            if whole is not None:
                yield rf"\textbf{{{escaped(name)}}}"
                yield from self._aligned(None, rows)
                rows = []
        if whole is not None:
            rows.append(self._line(whole.line))
        if e.penalty:
            rows.append(["R", f"= {tex(e.penalty)}"])
        formulas = dict(zip(e.outputs, self._formulas, strict=True))
        ends = [(e[n], one) for n, one in formulas.items() if n in self._number]
        ends = [(step, one) for step, one in ends if self._is_small(step)]
        for n in self._samples if ends else ():
            if len(self._samples) > 1:
                yield from self._aligned(None, rows)
                yield from self._title(n)
                rows = []
            for step, formula in ends:
                for j, value in enumerate(step.da[n]):
                    middle = []
                    if formula is not None and formula.slope_numbers is not None:
                        known = self._values(formula, n, j) | {"a": step.a[n, j]}
                        middle = [f"= {fill(formula.slope_numbers, known)}"]
                    rows.append([self._d(self._symbol("a", step, j)), *middle, f"= {tex(value)}"])
        yield from self._aligned(None, rows)

    def _line(self, line: LossLine) -> list[str]:
        put = self._packed([fill(*piece) for piece in line.pieces]) if line.pieces else []
        return [line.left, *put, f"= {tex(line.value)}"]

    @staticmethod
    def _values(formula: LossFormula, n: int, j: int) -> dict[str, Any]:
        return formula.numbers | {name: v[n, j] for name, v in formula.known.items()}

    # ---- backward ----------------------------------------------------------------------------

    def _deltas(self, step: LayerPass, n: int) -> Iterator[str]:
        if not self._is_small(step):
            yield from self._norms(step, {r"\delta": step.delta[n]})
            return
        rows: list[list[str]] = []
        behind = [one for one in self._all.layers if step.name in one.reads]
        after = behind[0] if len(behind) == 1 and step.name not in self._all.outputs else None
        of = ACTIVATIONS.get(step.activation)
        product = None if step.slope is None else step.slope[n] * step.da[n]
        costs = product is None or not np.allclose(product, step.delta[n], 1e-4, 1e-30)
        for j in range(step.a.shape[1]):
            a, delta = self._symbol("a", step, j), self._symbol(r"\delta", step, j)
            da, end = tex(step.da[n, j]), f"= {tex(step.delta[n, j])}"
            if after is not None and self._is_small(after):
                weights, deltas = after.parameters["kernel"][j], after.delta[n]
                terms = [
                    rf"{factor(w)} \cdot {factor(d)}" for w, d in zip(weights, deltas, strict=True)
                ]
                rows.append([self._d(a), *self._sum(terms), f"= {da}"])
            if step.activation == "linear":
                rows.append([delta, f"= {self._d(a)}", end])
            elif step.slope is None:
                rows.append([delta, end])
            else:
                numbers = of.slope_numbers if of else None
                put = (
                    []
                    if numbers is None
                    else [f"= {fill(numbers, {'z': step.z[n, j], 'a': step.a[n, j]})}"]
                )
                slope = rf"f'({self._symbol('z', step, j)})"
                rows.append([slope, *put, f"= {tex(step.slope[n, j])}"])
                whole = (
                    [] if costs else [rf"= {tex(step.slope[n, j])} \cdot {factor(step.da[n, j])}"]
                )
                rows.append([delta, rf"= {slope} \cdot {self._d(a)}", *whole, end])
        yield from self._aligned(step, rows)

    def _gradients(self, step: LayerPass) -> Iterator[str]:
        if not self._is_small(step):
            yield from self._norms(step, step.gradients, of_parameters=True)
            for name in step.gradients:
                yield from self._summed(step, name)
            return
        is_once = ":" not in step.name and f"{step.name}:1" not in self._number
        rows: list[list[str]] = []
        penalties = {name: (l1, l2) for name, l1, l2 in step.penalty_factors}
        for name, gradient in step.gradients.items():
            penalty = step.penalties.get(name)
            for place in np.ndindex(gradient.shape):
                j = place[-1]
                given = [] if name == "bias" else [place[0]]
                terms = [
                    r" \cdot ".join(
                        [*(factor(step.x[n, i]) for i in given), factor(step.delta[n, j])]
                    )
                    for n in self._samples
                ]
                terms += [] if penalty is None else [factor(penalty[place])]
                is_shown = self._is_whole and is_once and (given or len(terms) > 1)
                put = self._sum(terms) if is_shown else []
                left = self._d(self._weight(step, name, place), penalty is not None)
                rows.append([left, *put, f"= {tex(gradient[place])}"])
                if name in penalties and penalty is not None:
                    l1, l2 = penalties[name]
                    known = {"l1": l1, "l2": l2, "w": step.parameters[name][place]}
                    numbers = fill(penalty_line(l1, l2).numbers, known)
                    below = self._weight(step, name, place)
                    rows.append(
                        [
                            rf"\frac{{\partial R}}{{\partial {below}}}",
                            f"= {numbers}",
                            f"= {tex(penalty[place])}",
                        ]
                    )
        yield from self._aligned(step, rows)

    def _summed(self, step: LayerPass, name: str) -> Iterator[str]:
        """The largest gradient of a parameter that is used at many places, term by term."""
        gradient, sums = step.gradients[name], sums_of(step, name)
        if not gradient.size or sums is None:
            return
        place = self._place_of_largest(gradient)
        terms = sums.of(place)
        if terms is None or not len(terms.delta):
            return
        shown = terms.largest(MOST_SUMMED)
        given = None if terms.given is None else terms.given[shown]
        put = [
            factor(d) if given is None else rf"{factor(given[i])} \cdot {factor(d)}"
            for i, d in enumerate(terms.delta[shown])
        ]
        others = terms.sum - terms.values[shown].sum()
        put += [factor(others)] if len(shown) < len(terms.delta) else []
        penalty = step.penalties.get(name)
        formula, end = f"= {terms.formula}", f"= {tex(gradient[place])}"
        w = self._element(name, place)
        if penalty is not None:
            put.append(factor(penalty[place]))
            formula += rf" + \frac{{\partial R}}{{\partial {w}}}"
        yield self._text("sheet_largest", rf"\textbf{{{escaped(f'{step.name}/{name}')}}}")
        rows = [[self._d(w, penalty is not None), formula], ["", *self._sum(put), end]]
        yield from self._aligned(None, rows)
        if len(shown) < len(terms.delta):
            yield self._text("terms_some", len(shown), len(terms.delta), f"${tex(others)}$")
            yield ""

    @staticmethod
    def _place_of_largest(gradient: Array) -> tuple[int, ...]:
        at = int(np.nan_to_num(np.abs(gradient)).argmax())
        return tuple(int(i) for i in np.unravel_index(at, gradient.shape))

    @staticmethod
    def _element(name: str, place: tuple[int, ...]) -> str:
        return rf"\text{{{escaped(name)}}}_{{{','.join(str(i + 1) for i in place)}}}"

    # ---- update and check ----------------------------------------------------------------------

    def _rule(self) -> Iterator[str]:
        assert self._update is not None
        lines = self._update.lines()
        for line in lines:
            yield rf"\[ {line.formula} \]"
        if not lines:
            yield self._text("own_rule")
            yield ""
        for name in says(line.formula for line in lines):
            yield self._text(name)
            yield ""
        if self._update.waits:
            yield self._text("waits", self._update.waits)
            yield ""

    def _new(self, step: LayerPass) -> Iterator[str]:
        assert self._update is not None
        paths = {name: f"{step.name.partition(':')[0]}/{name}" for name in step.gradients}
        rows: list[list[str]] = []
        if not self._is_small(step):
            yield from self._norms(step, {n: self._update.parameters[p] for n, p in paths.items()})
            for name, path in paths.items():
                yield from self._largest(step, name, self._update.worked[path])
            return
        for name, path in paths.items():
            worked, values = self._update.worked[path], self._update.parameters[path]
            if worked is None:
                if self._update.rules[path].lines:
                    yield self._text("unshown", escaped(path))
                    yield ""
                for place in np.ndindex(values.shape):
                    w = self._weight(step, name, place)
                    rows.append([rf"{w} \leftarrow {{}}", tex(values[place])])
                continue
            for number, place in enumerate(np.ndindex(values.shape)):
                rows += self._moves(self._weight(step, name, place), worked, place, not number)
        yield from self._aligned(step, rows)

    @staticmethod
    def _moves(
        w: str, worked: Worked, place: tuple[int, ...], is_first: bool = True
    ) -> Iterator[list[str]]:
        """The lines that move one weight; those that all have alike only with the first."""
        for line, known, result in worked.at(place):
            if line.of != "weight" and not is_first:
                continue
            left = w if line.makes == "w" else line.left
            put, end = fill(line.numbers, known), f"= {tex(result)}"
            moves = r"\leftarrow" in line.formula
            yield [rf"{left} \leftarrow {{}}", put, end] if moves else [left, f"= {put}", end]

    def _largest(self, step: LayerPass, name: str, worked: Worked | None) -> Iterator[str]:
        """The update of one weight of a layer that is too large, or of another kind."""
        gradient = step.gradients[name]
        if worked is None or not gradient.size:
            return
        place = self._place_of_largest(gradient)
        w = self._element(name, place)
        yield self._text("sheet_largest", rf"\textbf{{{escaped(f'{step.name}/{name}')}}}")
        left = self._d(w, name in step.penalties)
        rows = [[left, f"= {tex(gradient[place])}"], *self._moves(w, worked, place)]
        yield from self._aligned(None, rows)

    def _check(self) -> Iterator[str]:
        checks, _ = self._all._checks
        if not checks:
            yield self._text("no_check")
            return
        yield self._text("about_check")
        yield r"\[ \frac{\partial L}{\partial w} \approx \frac{L(w + h) - L(w - h)}{2 \cdot h} \]"
        yield r"{\footnotesize\begin{tabular}{lrr}"
        yield rf"& $\partial L / \partial w$ & {self._text('central')} \\ \hline"
        for path, (places, backward, slopes) in checks.items():
            at = int(np.abs(backward).argmax())
            shape = self._all.gradients[path].shape
            element = ",".join(str(i + 1) for i in np.unravel_index(places[at], shape))
            numbers = f"${tex(backward[at])}$ & ${tex(slopes[at, 1])}$"
            yield rf"\texttt{{{escaped(path)}}}[{element}] & {numbers} \\"
        yield r"\end{tabular}}"

    # ---- pieces --------------------------------------------------------------------------------

    @staticmethod
    def _is_small(step: LayerPass) -> bool:
        kernel = step.parameters.get("kernel")
        if kernel is None or kernel.ndim != 2:
            return False
        inputs, neurons = kernel.shape
        return inputs <= MOST_INPUTS and neurons <= MOST_NEURONS and is_dense(step)

    def _symbol(self, letter: str, step: LayerPass, j: int | None = None) -> str:
        mark = f"^{{({self._number[step.name]})}}" if len(self._number) > 1 else ""
        return letter + mark if j is None else f"{letter}_{{{j + 1}}}{mark}"

    def _weight(self, step: LayerPass, name: str, place: tuple[int, ...]) -> str:
        mark = f"^{{({self._number[step.name]})}}" if len(self._number) > 1 else ""
        letter = "b" if name == "bias" else "w"
        return f"{letter}_{{{''.join(str(i + 1) for i in place)}}}{mark}"

    def _d(self, below: str, with_penalty: bool = False) -> str:
        return rf"\frac{{\partial {'(L + R)' if with_penalty else 'L'}}}{{\partial {below}}}"

    def _sum(self, terms: list[str]) -> list[str]:
        """Terms in lines of a few each, fewer of long ones."""
        rest = (f"- {term[1:]}" if term.startswith("-") else f"+ {term}" for term in terms[1:])
        return self._packed([f"= {terms[0]}", *rest])

    @staticmethod
    def _packed(pieces: list[str]) -> list[str]:
        lines, count = pieces[:1], 1
        for told in pieces[1:]:
            if count < TERMS and letters(lines[-1]) + letters(told) <= MOST_LETTERS:
                lines[-1] += f" {told}"
                count += 1
            else:
                lines.append(told)
                count = 1
        return lines

    def _aligned(self, step: LayerPass | None, rows: list[list[str]]) -> Iterator[str]:
        """Equations below each other; the parts of a long one too."""
        if step is not None:
            yield rf"\textbf{{{escaped(step.name)}}}"
        yield r"\begin{align*}"
        told = []
        for left, *parts in rows:
            lines, first = [], f"{left} &"
            line = first
            for part in parts:
                if (
                    letters(line.removeprefix(first)) + letters(part) > MOST_LETTERS
                    and line != first
                ):
                    lines.append(line)
                    line = r"&\quad"
                line = f"{line} {part}"
            told += [*lines, line]
        yield " \\\\\n".join(told)
        yield r"\end{align*}"

    def _norms(
        self, step: LayerPass, arrays: Mapping[str, Array], of_parameters: bool = False
    ) -> Iterator[str]:
        for name, value in arrays.items():
            letter = name if name in ("a", r"\delta") else rf"\text{{{escaped(name)}}}"
            above = rf"\partial L / \partial {letter}" if of_parameters else letter
            with np.errstate(all="ignore"):
                norm = tex(np.linalg.norm(np.ravel(value).astype(np.float64)))
            yield rf"\textbf{{{escaped(step.name)}}}: $\| {above} \| = {norm}$"
            yield ""

    def _read(self, name: str) -> Array:
        for step in self._all.layers:
            if name in step.reads:
                return step.inputs[step.reads.index(name)]
        raise KeyError(name)

    def _row(self, batch: Any, n: int) -> str:
        values = np.asarray(batch)[n].reshape(-1)
        if values.dtype.kind not in "biuf":
            return r"\ldots"
        text = r",\; ".join(map(tex, values[:MOST_INPUTS]))
        return text if len(values) <= MOST_INPUTS else rf"{text},\; \ldots"
