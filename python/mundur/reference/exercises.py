"""Exercises: whether a student's own forward, δ and update are right, and a hint where they aren't.

One sample goes through a network with one hidden layer, every unit of it a logistic one:

    a_j = σ(Σ_i x_i W_ij + b_j)        E = ½ Σ_j (y_j − t_j)²
    δ_j = (y_j − t_j) y_j (1 − y_j)    at the outputs
    δ_j = a_j (1 − a_j) Σ_k W_jk δ_k   in front of them
    ∂E/∂W_ij = x_i δ_j                 ∂E/∂b_j = δ_j                 w ← w − η ∂E/∂w

What stands for a derivative is held against central differences of E, not against a solution.
"""

from collections.abc import Callable, Sequence
from math import exp
from random import Random
from typing import Any, NamedTuple

from .check import difference, numerical_gradient
from .lists import Matrix, Vector, flatten, is_list, shape

__all__ = ["NAMES", "grade"]

INPUTS, HIDDEN, OUTPUTS = 3, 4, 2
ETA = 0.25
TOLERANCE = 1e-7


class Numbers(NamedTuple):
    """A sample, its target, and a network."""

    x: Vector
    t: Vector
    W: Matrix
    b: Vector
    V: Matrix
    c: Vector


def drawn(seed: int) -> Numbers:
    """Return numbers from -1 to 1, targets from 0 to 1."""
    rng = Random(seed)

    def row(size: int, low: float = -1.0) -> Vector:
        return [rng.uniform(low, 1.0) for _ in range(size)]

    def matrix(rows: int, columns: int) -> Matrix:
        return [row(columns) for _ in range(rows)]

    return Numbers(
        row(INPUTS),
        row(OUTPUTS, 0.0),
        matrix(INPUTS, HIDDEN),
        row(HIDDEN),
        matrix(HIDDEN, OUTPUTS),
        row(OUTPUTS),
    )


# ---- the network -----------------------------------------------------------------------------


def sums(x: Vector, W: Matrix, b: Vector) -> Vector:
    """Return z_j = Σ_i x_i W_ij + b_j."""
    return [sum(x[i] * W[i][j] for i in range(len(x))) + b[j] for j in range(len(b))]


def logistic(z: Vector) -> Vector:
    """Return a_j = 1 / (1 + e^−z_j)."""
    return [1 / (1 + exp(-z_j)) for z_j in z]


def error(t: Vector, y: Vector) -> float:
    """Return E = ½ Σ_j (y_j − t_j)²."""
    return sum((y_j - t_j) ** 2 for y_j, t_j in zip(y, t, strict=True)) / 2


# ---- what is asked ---------------------------------------------------------------------------


class Asked(NamedTuple):
    """What a function is given, what is right, and what certain mistakes give."""

    given: tuple[Any, ...]
    right: Any
    mistakes: Sequence[tuple[Any, str, str]] = ()  # the numbers, a hint in English, in Indonesian


def forward(n: Numbers) -> Asked:
    """Ask for a = σ(x W + b)."""
    z = sums(n.x, n.W, n.b)
    return Asked(
        (n.x, n.W, n.b),
        logistic(z),
        [
            (z, "that is z: the activation is missing, a = σ(z)", "itu z: a = σ(z) belum dihitung"),
            (
                logistic(sums(n.x, n.W, [0.0] * HIDDEN)),
                "the bias is missing: z_j = Σ_i x_i W_ij + b_j",
                "bias belum ditambahkan: z_j = Σ_i x_i W_ij + b_j",
            ),
        ],
    )


def loss(n: Numbers) -> Asked:
    """Ask for E = ½ Σ (y − t)²."""
    y = outputs(n)
    right = error(n.t, y)
    return Asked(
        (n.t, y),
        right,
        [
            (2 * right, "the ½ is missing", "faktor ½ belum ada"),
            (
                right / OUTPUTS,
                "that is a mean over the outputs; here E is half their sum",
                "itu rata-rata keluaran; di sini E adalah setengah jumlahnya",
            ),
        ],
    )


def delta_output(n: Numbers) -> Asked:
    """Ask for δ_j = ∂E/∂z_j at the outputs."""
    z = sums(hidden(n), n.V, n.c)
    y = logistic(z)
    right: Any = numerical_gradient(lambda: error(n.t, logistic(z)), z)
    return Asked(
        (n.t, y),
        right,
        [
            (
                [y_j - t_j for y_j, t_j in zip(y, n.t, strict=True)],
                "that is ∂E/∂y: times σ′(z_j) = y_j (1 − y_j), by the chain rule",
                "itu ∂E/∂y: kalikan dengan σ′(z_j) = y_j (1 − y_j), menurut aturan rantai",
            ),
            (
                [-g for g in right],
                "the sign is wrong: the derivative of ½ (y − t)² is y − t",
                "tandanya terbalik: turunan ½ (y − t)² adalah y − t",
            ),
        ],
    )


def delta_hidden(n: Numbers) -> Asked:
    """Ask for δ_j = ∂E/∂z_j of the hidden layer."""
    z, delta = sums(n.x, n.W, n.b), delta_output(n).right
    a = logistic(z)
    right = numerical_gradient(lambda: error(n.t, logistic(sums(logistic(z), n.V, n.c))), z)
    back = [sum(v * d for v, d in zip(row, delta, strict=True)) for row in n.V]
    return Asked(
        (delta, n.V, a),
        right,
        [
            (
                back,
                "σ′(z_j) = a_j (1 − a_j) is missing: that is ∂E/∂a",
                "σ′(z_j) = a_j (1 − a_j) belum ada: itu baru ∂E/∂a",
            ),
            (
                [a_j * (1 - a_j) * sum(row) for a_j, row in zip(a, n.V, strict=True)],
                "the δ of the layer behind is missing: Σ_k W_jk δ_k",
                "δ dari lapisan sesudahnya belum dipakai: Σ_k W_jk δ_k",
            ),
        ],
    )


def gradients(n: Numbers) -> Asked:
    """Ask for (∂E/∂W, ∂E/∂b) of the hidden layer."""

    def value() -> float:
        return error(n.t, outputs(n))

    delta = delta_hidden(n).right
    right = [numerical_gradient(value, n.W), numerical_gradient(value, n.b)]
    turned = [[d * x for x in n.x] for d in delta]
    return Asked(
        (n.x, delta),
        right,
        [
            (
                [turned, right[1]],
                "rows and columns are exchanged: ∂E/∂W_ij = x_i δ_j has a row for each input",
                "baris dan kolom tertukar: ∂E/∂W_ij = x_i δ_j berbaris satu untuk tiap masukan",
            ),
            (
                right[0],
                "return both, (dW, db): ∂E/∂b_j = δ_j is missing",
                "kembalikan keduanya, (dW, db): ∂E/∂b_j = δ_j belum ada",
            ),
        ],
    )


def update(n: Numbers) -> Asked:
    """Ask for w − η g."""
    slope = gradients(n).right[0]

    def moved(by: float) -> Matrix:
        return [
            [w + by * g for w, g in zip(*pair, strict=True)]
            for pair in zip(n.W, slope, strict=True)
        ]

    return Asked(
        (n.W, slope, ETA),
        moved(-ETA),
        [
            (moved(ETA), "uphill: subtract η g", "itu menaiki bukit: kurangi dengan η g"),
            (moved(-1.0), "the learning rate is missing", "laju pembelajaran η belum dipakai"),
        ],
    )


def hidden(n: Numbers) -> Vector:
    """Return the hidden layer's a."""
    return logistic(sums(n.x, n.W, n.b))


def outputs(n: Numbers) -> Vector:
    """Return y."""
    return logistic(sums(hidden(n), n.V, n.c))


NAMES: dict[str, Callable[[Numbers], Asked]] = {
    "forward": forward,
    "loss": loss,
    "delta_output": delta_output,
    "delta_hidden": delta_hidden,
    "gradients": gradients,
    "update": update,
}
"""The exercises, in the order of the course."""

_TEXTS = {
    "right": ("right", "benar"),
    "todo": ("{name} is still to be written", "{name} belum dikerjakan"),
    "raised": ("{name} raised {kind}: {why}", "{name} gagal dengan {kind}: {why}"),
    "shape": (
        "{name} must return numbers of shape {wanted}; got {came}",
        "{name} harus mengembalikan angka berbentuk {wanted}; yang datang {came}",
    ),
    "wrong": (
        "{name}: {came} instead of {wanted}, given {given}",
        "{name}: {came}, seharusnya {wanted}, untuk masukan {given}",
    ),
    "changed": (
        "{name} must leave what it is given as it is, and return new lists",
        "{name} tidak boleh mengubah masukannya; kembalikan daftar yang baru",
    ),
}


# ---- what students call ----------------------------------------------------------------------


def grade(name: str, function: Callable[..., Any], language: str = "en") -> str:
    """Try a student's function on three networks; say that it is right, or raise with a hint.

    Parameters
    ----------
    name : str
        One of `NAMES`: "forward" of (x, W, b); "loss" of (t, y); "delta_output" of (t, y);
        "delta_hidden" of (δ of the layer behind, its W, a); "gradients" of (x, δ), both of them
        (∂E/∂W, ∂E/∂b); "update" of (w, g, η).
    function : callable
        Of lists; it returns lists, or NumPy arrays.
    language : "en" or "id"
        Of what it says.

    Returns
    -------
    str
        That it is right.

    Raises
    ------
    AssertionError
        With a hint, where it is not; graders of notebooks take that as no points.
    ValueError, TypeError
        For another name or language, and for what cannot be called.

    Examples
    --------
    >>> grade("update", lambda w, g, eta: [[u - eta * v for u, v in zip(*r)] for r in zip(w, g)])
    'update: right'
    >>> grade("loss", lambda t, y: sum((a - b) ** 2 for a, b in zip(y, t)), language="id")
    Traceback (most recent call last):
        ...
    AssertionError: loss: faktor ½ belum ada
    """
    if name not in NAMES:
        raise ValueError(f"name must be one of {', '.join(NAMES)}; got {name!r}")
    if language not in ("en", "id"):
        raise ValueError(f"language must be 'en' or 'id'; got {language!r}")
    if not callable(function):
        raise TypeError(f"function must be callable; got {type(function).__name__}")
    index = ("en", "id").index(language)

    def say(key: str, **values: Any) -> str:
        return _TEXTS[key][index].format(name=name, **values)

    for seed in range(3):
        asked = NAMES[name](drawn(seed))
        given, before = [copied(part) for part in asked.given], repr(asked.given)
        try:
            came = plain(function(*given))
        except NotImplementedError:
            raise AssertionError(say("todo")) from None
        except Exception as raised:
            why = say("raised", kind=type(raised).__name__, why=raised)
            raise AssertionError(why) from raised
        if came is None:
            raise AssertionError(say("todo"))
        for numbers, *hints in asked.mistakes:
            if agrees(came, numbers):
                raise AssertionError(f"{name}: {hints[index]}")
        if form(came) != form(asked.right):
            raise AssertionError(say("shape", wanted=form(asked.right), came=form(came)))
        if not agrees(came, asked.right):
            told = {"came": rounded(came), "wanted": rounded(asked.right)}
            raise AssertionError(say("wrong", **told, given=rounded(list(asked.given))))
        if repr(tuple(given)) != before:
            raise AssertionError(say("changed"))
    return f"{name}: {say('right')}"


def copied(part: Any) -> Any:
    """Return nested lists anew."""
    return [copied(one) for one in part] if is_list(part) else part


def plain(value: Any) -> Any:
    """Return arrays and tuples as lists, whatever they hold."""
    value = value.tolist() if hasattr(value, "tolist") else value
    return [plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def form(value: Any) -> Any:
    """Return the shape of nested lists of numbers, of several their shapes; else what it is."""
    if isinstance(value, (int, float)):
        return "()"
    if not is_list(value):
        return type(value).__name__
    if not value:
        return "(0,)"
    forms = [form(one) for one in value]
    if len({str(one) for one in forms}) != 1:
        return f"({', '.join(map(str, forms))})"
    try:
        return str(shape(value))
    except (TypeError, IndexError):
        return f"{len(value)} x {forms[0]}"


def agrees(came: Any, wanted: Any) -> bool:
    """Say whether numbers are these, but for what central differences are off."""
    if form(came) != form(wanted):
        return False
    return difference([*flatten([came])], [*flatten([wanted])]) < TOLERANCE


def rounded(value: Any) -> Any:
    """Return numbers as they are shown."""
    return [rounded(one) for one in value] if is_list(value) else round(value, 4)
