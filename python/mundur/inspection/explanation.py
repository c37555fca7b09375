"""What one pass through a model made, shown: as text, as a page, as an exercise sheet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

from .._support.disk import Path, path_value, replace
from .formulas import ACTIVATIONS, plain
from .losses import formulas_of, sum_of
from .page import page
from .passes import LayerPass, Passes
from .sheet import sheet
from .snapshot import Update

__all__ = ["Explanation", "LayerPass"]

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Explanation(Passes):
    """Every number of one pass forward and backward; printed, a calculation as in course notes.

    A sequence of `LayerPass`, by number or by layer's name.

    Attributes
    ----------
    x, y : ndarray
        The samples and their targets; tuples of several inputs or outputs.
    y_pred : ndarray
        The model's outputs, likewise.
    loss : float
        L, without `penalty`.
    penalty : float
        R, what regularizers add to the loss.
    loss_name : str
    layers : tuple of LayerPass
    values : Views
        What the program made on the way, by name, samples first: of each layer, those within others
        too, its output ("residual/dense/a") and ∂L/∂ of it ("residual/dense/da"), and where there
        is an activation "z", "slope" f′(z) and "delta" ∂L/∂z. Behind a recurrent layer's name,
        "delta" is ∂L/∂z of the gates at each step. What a shared layer made when it was called
        again is behind "dense:1", "dense:2", ...
    outputs : tuple of str
        The passes that made y_pred.
    again : Again, optional
        The model as it was, for `update` and the check of a page.
    losses : tuple of float or None
        What the loss of each output comes to, without its weight; None where it has none.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> layer = md.layers.Dense(1, kernel_initializer="ones")
    >>> model = md.Model([layer], input_shape=(2,), seed=0)
    >>> explanation = model.explain([[1.0, 2.0]], [[4.0]], loss="mse")
    >>> explanation["dense"].delta, explanation.gradients["dense/kernel"].ravel()
    (array([[-2.]], dtype=float32), array([-2., -4.], dtype=float32))
    >>> print(explanation)
    Forward    z = Σ x·w + b,  a = f(z)
      x = 1, 2
      dense: Dense, 2 → 1
        a1 = 1·1 + 2·1 + 0 = 3
    <BLANKLINE>
    Loss    L = MeanSquaredError(y, a) = 1
      y = 4
      ∂L/∂a1 = -2
    <BLANKLINE>
    Backward    δ = ∂L/∂z = f′(z)·∂L/∂a,  ∂L/∂w = x·δ,  ∂L/∂b = δ,  ∂L/∂x = Σ w·δ
      dense
        δ1 = ∂L/∂a1 = -2
        ∂L/∂w11 = x1·δ1 = 1·-2 = -2
        ∂L/∂w21 = x2·δ1 = 2·-2 = -4
        ∂L/∂b1 = δ1 = -2
    """

    def table(self, sample: int = 0, digits: int | None = None) -> str:
        """The calculation as text.

        Parameters
        ----------
        sample : int, default 0
            Whose z, a and δ are shown; gradients are the whole batch's.
        digits : int, optional
            Significant ones; by default 9 for float64, 6 for float32.

        Raises
        ------
        IndexError
            For a sample that is not in the batch.
        """
        return calculation(self, sample, digits)

    def to_html(self, language: str = "en", sample: int = 0) -> str:
        """The page of `save`, as text."""
        return page(self, language, sample)

    def save(self, path: Path, language: str = "en", sample: int = 0) -> None:
        """Writes a page that walks through these numbers: forward, loss, backward, update.

        It shows the network, and each z, a, δ, ∂L/∂w and new w with its formula and its numbers;
        a neuron or a weight that is chosen is traced through the chain rule, beside the central
        difference. Any weight of the other layers shows its gradient and its update, of parameters
        of more than 5,000 elements those with the largest gradients. Gates of recurrent layers are
        shown step by step, in a `Bidirectional` for both directions, for at most 24 steps, 16 units
        and 32 inputs; images as maps, at most 32 of a layer. It is one file, which needs no
        network, and opens in any browser with MathML (of 2023 or later), on a phone too. Notebooks
        show the same page for an explanation that ends a cell. Of large layers it has norms and
        histograms, and single neurons; it says so.

        Parameters
        ----------
        path : path
            Such as "steps.html"; a file of that name is replaced.
        language : {"en", "id"}, default "en"
            English or Indonesian first; the page has a button for the other.
        sample : int, default 0
            The sample shown first; of a batch of more than 8 the only one.

        Raises
        ------
        TypeError, ValueError
            For what is no path, and another language.
        IndexError
            For a sample that is not in the batch.
        OSError
            Where the path cannot be written.

        Examples
        --------
        >>> import mundur as md, tempfile
        >>> model = md.Model([md.layers.Dense(1, "tanh")], input_shape=(2,), seed=0)
        >>> model.compile("sgd", "mse")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.explain([[1.0, 2.0]], [[0.5]]).save(f"{folder}/langkah.html", language="id")
        """
        given = path_value(path, "path")
        text = self.to_html(language, sample)
        try:
            replace(given, text.encode(), overwrite=True)
        except OSError as error:
            raise type(error)(f"path cannot be written: {error}") from error

    def _repr_html_(self) -> str:
        """The page in a frame of its own, so that neither disturbs the notebook."""
        text = escape(self.to_html())
        return (
            '<iframe title="mundur" sandbox="allow-scripts" loading="lazy" '
            'style="width:100%;height:46rem;border:1px solid #8888;border-radius:6px;'
            f'resize:vertical" srcdoc="{text}"></iframe>'
        )

    def to_latex(self, language: str = "en", sample: int = 0) -> str:
        r"""An exercise sheet with solutions, of the numbers of `save`'s page, for LaTeX.

        Parameters
        ----------
        language : {"en", "id"}, default "en"
        sample : int, default 0
            Whose z, a and δ are asked for; batches of up to 4 are calculated as a whole.

        Returns
        -------
        str
            A document of the class article, with amsmath and TikZ.

        Raises
        ------
        ValueError
            For another language.
        IndexError
            For a sample that is not in the batch.

        Examples
        --------
        >>> import mundur as md
        >>> model = md.Model([md.layers.Dense(1, "tanh")], input_shape=(2,), seed=0)
        >>> sheet = model.explain([[1.0, 2.0]], [[0.5]], loss="mse").to_latex(language="id")
        >>> sheet.splitlines()[0], "bobot" in sheet
        ('\\documentclass[a4paper]{article}', True)
        """
        return sheet(self, language, sample)

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        samples = self.samples
        count = f"{samples} sample{'' if samples == 1 else 's'}"
        names = ", ".join(p.name for p in self.layers)
        return f"<Explanation of {count} through {names}; {self.loss_name} {self.loss:.6g}>"


# ---- its text ------------------------------------------------------------------------------------

# Longer rows are abbreviated, larger kernels given by their norm.
MOST = 6
BY_HAND = r"<w> - <eta> \cdot <g>"


def calculation(explanation: Explanation, sample: int, digits: int | None) -> str:
    """The text of `Explanation.table`."""
    digits = digits or (9 if explanation.layers[-1].a.dtype == np.float64 else 6)
    return "\n".join(_Calculation(explanation, explanation.number_of(sample), digits).lines())


class _Calculation:
    def __init__(self, explanation: Explanation, sample: int, digits: int) -> None:
        self._all, self._sample, self._digits = explanation, sample, digits
        self._alone = explanation.samples == 1
        self._formulas = formulas_of(explanation)
        readers = [name for step in explanation.layers for name in step.reads]
        self._shared = {name for name in readers if readers.count(name) > 1}
        self._names = [step.name for step in explanation.layers]
        before = zip(["x", *self._names], explanation.layers, strict=False)
        self._is_chain = all(step.reads == (name,) for name, step in before)

    def lines(self) -> Iterable[str]:
        e = self._all
        if not self._alone:
            yield f"Sample {self._sample} of {e.samples}; gradients are those of the whole batch"
            yield ""
        yield "Forward    z = Σ x·w + b,  a = f(z)"
        if isinstance(e.x, tuple):
            inputs = [name for step in e.layers for name in step.reads]
            made = {step.name for step in e.layers}
            names = [name for name in dict.fromkeys(inputs) if name not in made]
            for name in names:
                yield f"  {name} = {self._row(self._read(name))}"
        else:
            yield f"  x = {self._row(e.x)}"
        for step in e.layers:
            yield from self._forward(step)
        yield ""
        mean = "" if self._alone else f", the mean over {e.samples} samples"
        of = "" if isinstance(e.y, tuple) else "(y, a)"
        yield f"Loss    L = {e.loss_name}{of}{self._shares()} = {self._number(e.loss)}{mean}"
        yield from self._targets()
        if e.penalty:
            yield f"  penalties of regularizers R = {self._number(e.penalty)}"
            yield f"  L + R = {self._number(e.loss + e.penalty)}"
        yield ""
        bias = "∂L/∂b = δ" if self._alone else "∂L/∂b = Σ δ"
        weight = "∂L/∂w = x·δ" if self._alone else "∂L/∂w = Σ x·δ over the samples"
        yield f"Backward    δ = ∂L/∂z = f′(z)·∂L/∂a,  {weight},  {bias},  ∂L/∂x = Σ w·δ"
        for step in reversed(e.layers):
            yield from self._backward(step, first=step is e.layers[0])
        if e.update is not None:
            yield ""
            yield from self._updates(e.update)

    def _targets(self) -> Iterable[str]:
        e = self._all
        targets = e.y if isinstance(e.y, tuple) else (e.y,)
        of, more = ("", "") if e.y is targets[0] else (" of {}", "  ")
        for name, y, formula in zip(e.outputs, targets, self._formulas, strict=True):
            if y is not None:
                yield f"  y{of.format(name)} = {self._row(y)}"
                da = e.sent_to(name)
                weight = formula.weight if formula is not None and formula.slope_numbers else 1.0
                if da is not None:
                    yield from self._named(f"{more}  ∂L/∂a", da, weight=weight)

    def _shares(self) -> str:
        """The numbers that several losses add up from."""
        whole = sum_of(self._all, self._formulas)
        if whole is None or not whole.formula:
            return ""
        numbers = (
            self._times(one.weight, self._number(one.value)) for one in self._formulas if one
        )
        return f" = {' + '.join(numbers)}"

    def _times(self, weight: float, number: str) -> str:
        return number if weight == 1 else f"{self._number(weight)}·{number}"

    def _read(self, name: str) -> Array:
        """What goes by that name into some layer."""
        for step in self._all.layers:
            if name in step.reads:
                return step.inputs[step.reads.index(name)]
        raise KeyError(name)

    # ---- forward -----------------------------------------------------------------------------

    def _forward(self, step: LayerPass) -> Iterable[str]:
        given = ", ".join("×".join(map(str, part.shape[1:])) for part in step.inputs)
        shapes = f"{given} → {'×'.join(map(str, step.a.shape[1:]))}"
        f = "" if step.activation == "linear" else f", {step.activation}"
        of = "" if self._is_chain else f", of {', '.join(step.reads)}"
        yield f"  {step.name}: {step.kind}, {shapes}{f}{of}"
        linear = step.activation == "linear"
        z, a = self._flat(step.z), self._flat(step.a)
        if step.kind == "Dense" and step.x.ndim == 2:
            name = "a" if linear else "z"
            for j in range(min(len(z), MOST)):
                yield f"    {name}{j + 1} = {self._weighed(step, j)} = {self._number(z[j])}"
                if not linear and step.slope is not None:
                    yield f"    a{j + 1} = {step.activation}(z{j + 1}) = {self._number(a[j])}"
            yield from self._rest(len(z))
            if step.slope is None:
                yield from self._named(f"    {step.activation}(z)", step.a, as_row=True)
        else:
            yield f"    a = {self._row(step.a)}"

    def _weighed(self, step: LayerPass, j: int) -> str:
        x, kernel = step.x[self._sample], step.parameters["kernel"]
        bias = step.parameters.get("bias")
        text = self._sum(x, kernel[:, j]) if len(x) <= MOST else f"Σ x·w over {len(x)} inputs"
        return text if bias is None else f"{text} + {self._number(bias[j])}"

    # ---- backward ----------------------------------------------------------------------------

    def _backward(self, step: LayerPass, first: bool) -> Iterable[str]:
        slope = ACTIVATIONS.get(step.activation)
        told = slope is not None and step.activation != "linear"
        yield f"  {step.name}{f':  f′(z) = {plain(slope.slope)}' if slope and told else ''}"
        if step.kind == "Dense" and step.x.ndim == 2:
            yield from self._deltas(step)
        else:
            yield from self._named("    δ", step.delta, as_row=True)
        if ":" not in step.name:  # else they are told with the layer's first call
            for name, gradient in step.gradients.items():
                yield from self._gradient(step, name, gradient)
        if first:
            return
        if self._shared.intersection(step.reads) or isinstance(step.dx, tuple):
            parts = step.dx if isinstance(step.dx, tuple) else (step.dx,)
            for name, dx in zip(step.reads, parts, strict=True):
                rest = ", with what others send" if name in self._shared else ""
                yield from self._named(f"    ∂L/∂(a of {name}){rest}", dx, as_row=True)
        elif step.kind == "Dense" and step.x.ndim == 2:
            yield from self._sent_back(step)
        else:
            yield from self._named("    ∂L/∂x", step.dx, as_row=True)

    def _deltas(self, step: LayerPass) -> Iterable[str]:
        delta, da = self._flat(step.delta), self._flat(step.da)
        slope = None if step.slope is None else self._flat(step.slope)
        # What the outputs cost by themselves is in δ, but not in ∂L/∂a.
        costs = slope is not None and not np.allclose(delta, slope * da, 1e-5, 0, equal_nan=True)
        of_a = "∂(L + R)/∂a" if costs else "∂L/∂a"
        for j in range(min(len(delta), MOST)):
            if step.activation == "linear":
                text = f"{of_a}{j + 1}"
            elif slope is None:
                text = f"Σ ∂a/∂z{j + 1}·∂L/∂a"
            else:
                factors = f" = {self._number(slope[j])}·{self._number(da[j])}"
                text = f"f′(z{j + 1})·{of_a}{j + 1}{'' if costs else factors}"
            yield f"    δ{j + 1} = {text} = {self._number(delta[j])}"
        yield from self._rest(len(delta))

    def _gradient(self, step: LayerPass, name: str, gradient: Array) -> Iterable[str]:
        dense, penalty = step.kind == "Dense", step.penalties.get(name)
        # Of a layer that is called again, what one call sends is not the whole.
        once = self._alone and f"{step.name}:1" not in self._names
        if dense and name == "kernel" and step.x.ndim == 2 and max(gradient.shape) <= MOST:
            x, delta = step.x[self._sample], step.delta[self._sample]
            for i, j in np.ndindex(gradient.shape):
                text = f"x{i + 1}·δ{j + 1}"
                numbers = f"{self._number(x[i])}·{self._number(delta[j])}"
                share = None if penalty is None else penalty[i, j]
                # Beside other samples the product is not the whole, nor is it in bfloat16.
                rest = gradient[i, j] - (share or 0)
                whole = once and np.isclose(x[i] * delta[j], rest, rtol=1e-5, atol=1e-7)
                yield self._derivative(
                    f"w{i + 1}{j + 1}", gradient[i, j], share, [text, numbers] if whole else []
                )
        elif dense and name == "bias" and len(gradient) <= MOST:
            for j, value in enumerate(gradient):
                share = None if penalty is None else penalty[j]
                # On sequences a bias sums over time steps, too.
                whole = once and step.delta.ndim == 2
                number = self._number(step.delta[self._sample].reshape(-1)[j])
                terms = [f"δ{j + 1}", number] if whole else []
                yield self._derivative(f"b{j + 1}", value, share, terms)
        else:
            shape = "×".join(map(str, gradient.shape))
            norm, largest = np.linalg.norm(gradient.ravel()), np.abs(gradient).max()
            yield (
                f"    ‖∂L/∂{name}‖ = {self._number(norm)}, largest element "
                f"{self._number(largest)} ({shape})"
            )
            if penalty is not None:
                of_penalty = self._number(np.linalg.norm(penalty.ravel()))
                yield f"    of it the penalty's: ‖∂R/∂{name}‖ = {of_penalty}"

    def _derivative(self, place: str, value: Any, penalty: Any, terms: list[str]) -> str:
        """One element of a gradient; `terms`, if any: its product in names and numbers."""
        title, end = f"    ∂L/∂{place}", self._number(value)
        if penalty is not None:
            title, share = f"    ∂(L + R)/∂{place}", self._number(penalty)
            if not terms:
                return f"{title} = {end}, of it ∂R/∂{place} = {share}"
            terms = [f"{terms[0]} + ∂R/∂{place}", f"{terms[1]} + {share}"]
        if terms and terms[-1] == end:
            terms = terms[:-1]
        return " = ".join([title, *terms, end])

    def _sent_back(self, step: LayerPass) -> Iterable[str]:
        kernel, delta, dx = step.parameters["kernel"], self._flat(step.delta), self._flat(step.dx)
        if len(delta) > MOST:
            yield f"    ∂L/∂x = {self._row(step.dx)}"
            return
        for i in range(min(len(dx), MOST)):
            text = self._sum(kernel[i], delta)
            yield f"    ∂L/∂x{i + 1} = {text} = {self._number(dx[i])}"
        yield from self._rest(len(dx))

    # ---- update ------------------------------------------------------------------------------

    def _updates(self, made: Update) -> Iterable[str]:
        rule = ",  ".join(plain(line.formula) for line in made.lines())
        yield f"Update    {rule + ',  ' if rule else ''}by {made.optimizer}"
        names = {step.name: step for step in self._all.layers if ":" not in step.name}
        for name, step in names.items():
            if not step.gradients:
                continue
            yield f"  {name}"
            for own, gradient in step.gradients.items():
                new = made.parameters[f"{name}/{own}"]
                yield from self._new(made, f"{name}/{own}", step.parameters[own], gradient, new)
        e = self._all
        total = "L + R" if e.penalty else "L"
        yield f"  {total} = {self._number(e.loss + e.penalty)} → {self._number(made.loss)}"

    def _new(
        self, made: Update, path: str, old: Array, gradient: Array, new: Array
    ) -> Iterable[str]:
        name = path.partition("/")[2]
        letter = {"kernel": "w", "bias": "b"}.get(name, name)
        if max(new.shape) > MOST or letter == name:
            moved = self._number(np.linalg.norm((new - old).ravel()))
            yield f"    {name} moves by ‖Δ‖ = {moved}"
            return
        rate = self._number(made.learning_rate)
        lines = made.rules[path].lines
        by_hand = len(lines) == 1 and lines[0].numbers == BY_HAND  # the textbook's rule
        for place in np.ndindex(new.shape):
            index = "".join(str(i + 1) for i in place)
            was, g, now = (self._number(v[place]) for v in (old, gradient, new))
            text = f"{was} - {rate}·{g} = {now}" if by_hand else f"{was} → {now}"
            yield f"    {letter}{index}{' ←' if by_hand else ':'} {text}"

    # ---- numbers -----------------------------------------------------------------------------

    def _flat(self, batch: Array) -> Array:
        return np.asarray(batch[self._sample]).reshape(-1)

    def _number(self, value: Any) -> str:
        return f"{float(value):.{self._digits}g}"

    def _sum(self, left: Array, right: Array) -> str:
        pairs = zip(left, right, strict=True)
        return " + ".join(f"{self._number(p)}·{self._number(q)}" for p, q in pairs)

    def _row(self, batch: Array) -> str:
        values = self._flat(batch)
        text = ", ".join(map(self._number, values[:MOST]))
        more = len(values) - MOST
        return text if more <= 0 else f"{text}, ... and {more:,} more"

    def _named(
        self, name: str, batch: Array, as_row: bool = False, weight: float = 1.0
    ) -> Iterable[str]:
        values = self._flat(batch)
        if as_row or len(values) > MOST:
            yield f"{name} = {self._row(batch)}"
        else:
            for j, value in enumerate(values):
                number = self._number(value)
                if weight not in (0, 1):
                    number = f"{self._times(weight, self._number(value / weight))} = {number}"
                yield f"{name}{j + 1} = {number}"

    def _rest(self, count: int) -> Iterable[str]:
        if count > MOST:
            yield f"    ... and {count - MOST:,} more"
