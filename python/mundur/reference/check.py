"""Gradient checking: whether backward tells the truth about forward.

The derivative of f at x is the slope between two points close on either side,

    f′(x) ≈ (f(x + h) − f(x − h)) / 2h

with an error of h²/6 · f‴(x) from the curvature and of about u |f(x)| / h from rounding, where
u = 2⁻⁵² is the precision of a float64. Their sum is least for h of about ∛u = 6·10⁻⁶, and then
both are of the order of 10⁻¹¹: enough to trust ten digits, and to see any wrong formula at once.

Source: Baydin, Pearlmutter, Radul and Siskind, "Automatic differentiation in machine learning: a
survey" (2018), section 2.1.
"""

from collections.abc import Callable, Mapping
from math import isnan, nan
from random import Random
from typing import Protocol

from .lists import Tensor, Vector, dot, filled, flatten, nest, rows, shape
from .losses import Loss
from .model import Model


class Differentiable(Protocol):
    """A layer or a model."""

    @property
    def parameters(self) -> Mapping[str, Tensor]:
        """Return the parameters, by name."""

    @property
    def gradients(self) -> Mapping[str, Tensor]:
        """Return ∂L/∂w, by the same names."""

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Return the outputs y of the batch x."""

    def backward(self, gradient: Tensor) -> Tensor:
        """Return ∂L/∂x from `gradient` = ∂L/∂y; fill `gradients`."""


def numerical_gradient(f: Callable[[], float], x: Tensor) -> Tensor:
    """Estimate ∂f/∂x by central differences, one element of x after the other.

    Parameters
    ----------
    f : callable without arguments
        Reads x, which is varied in place and put back.
    x : nested list
        Floats.

    Examples
    --------
    >>> x = [3.0, 4.0]
    >>> [round(slope, 6) for slope in numerical_gradient(lambda: x[0] * x[1], x)]
    [4.0, 3.0]
    """
    return nest(
        (central_difference(f, row, i) for row in rows(x) for i in range(len(row))), shape(x)
    )


def central_difference(f: Callable[[], float], row: Vector, i: int) -> float:
    """Return (f(x + h) − f(x − h)) / 2h for x = row[i]."""
    x = row[i]
    h = 6e-6 * max(1.0, abs(x))
    row[i] = x + h
    above = f()
    row[i] = x - h
    below = f()
    row[i] = x
    # x + h and x − h are rounded; what lies between them is their difference, not 2h
    return (above - below) / ((x + h) - (x - h))


def difference(a: Tensor, b: Tensor) -> float:
    """Return max |a − b| / max(|a|, |b|), relative to the largest element; 0 if all are 0.

    What is no number anywhere makes it NaN, which is less than no tolerance.

    Examples
    --------
    >>> difference([4.0, 1.0], [4.0, 2.0])
    0.25
    """
    pairs = list(zip(flatten(a), flatten(b), strict=True))
    gaps = [abs(p - q) for p, q in pairs]
    if any(map(isnan, gaps)):  # max would pass over it
        return nan
    largest = max(max(abs(p), abs(q)) for p, q in pairs)
    return max(gaps) / largest if largest else 0.0


def check_backward(
    chain: Differentiable, x: Tensor, training: bool = False, seed: int = 0
) -> dict[str, float]:
    """Compare the backward of a layer or model with central differences of its forward.

    The outputs are turned into one number, L = Σ c y, with random c; then ∂L/∂y = c.

    Parameters
    ----------
    chain : layer or model
        Built. A Dropout in training must have its `fixed_mask` set.
    x : nested list
        A batch of inputs, floats, away from the kinks of ReLU.
    training : bool, default False
    seed : int, default 0
        For c.

    Returns
    -------
    dict
        The `difference` for the input, "x", and for each parameter that has a gradient.

    Examples
    --------
    >>> from mundur.reference.layers import Activation
    >>> tanh = Activation("tanh")
    >>> output_shape = tanh.build((2,))
    >>> check_backward(tanh, [[0.5, -1.0]])["x"] < 1e-8
    True
    """
    rng = Random(seed)
    c = filled(shape(chain.forward(x, training)), lambda: rng.uniform(-1.0, 1.0))

    def value() -> float:
        # L = Σ c y        ∂L/∂y = c
        return dot(flatten(c), flatten(chain.forward(x, training)))

    return compare(chain, x, value, chain.backward(c))


def check_model(
    model: Model,
    x: Tensor,
    y_true: Tensor,
    loss: Loss,
    sample_weight: Vector | None = None,
    training: bool = False,
) -> dict[str, float]:
    """As `check_backward`, through loss and penalties: the gradients that training uses."""

    def value() -> float:
        return loss(y_true, model.forward(x, training), sample_weight) + model.penalty()

    y_pred = model.forward(x, training)
    dx = model.backward(loss.gradient(y_true, y_pred, sample_weight))
    return compare(model, x, value, dx)


def compare(
    chain: Differentiable, x: Tensor, value: Callable[[], float], dx: Tensor
) -> dict[str, float]:
    """Return the differences of dx and of the chain's gradients from those of `value`."""
    gradients = dict(chain.gradients)
    parameters = chain.parameters
    differences = {"x": difference(dx, numerical_gradient(value, x))}
    for name, gradient in gradients.items():
        differences[name] = difference(gradient, numerical_gradient(value, parameters[name]))
    return differences


def check_loss(
    loss: Loss, y_true: Tensor, y_pred: Tensor, sample_weight: Vector | None = None
) -> float:
    """Return the `difference` between a loss's gradient and its central differences.

    Examples
    --------
    >>> from mundur.reference.losses import MeanSquaredError
    >>> check_loss(MeanSquaredError(), [[1.0]], [[3.0]]) < 1e-8
    True
    """
    numerical = numerical_gradient(lambda: loss(y_true, y_pred, sample_weight), y_pred)
    return difference(loss.gradient(y_true, y_pred, sample_weight), numerical)
