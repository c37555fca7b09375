"""Losses for numbers: the squared error, and others.

ℓ of one sample is the mean over its m outputs of what one element costs. With e_j = y_j − t_j, the
error of output j:

    ℓ = 1/m Σ_j f(t_j, y_j)        ∂ℓ/∂y_j = 1/m ∂f/∂y_j

so a class below says only what f, the loss of one element, is.
"""

import math

from ..._support.checks import number
from ..lists import Matrix, Vector, dot
from .base import EPSILON, ElementLoss, Loss, refuse


class MeanSquaredError(ElementLoss):
    """f = (y − t)².

    With two outputs and one sample it is the Σ ½ (t − o)² of many course notes.

    Examples
    --------
    >>> loss = MeanSquaredError()
    >>> loss([[1.0, 2.0]], [[1.0, 5.0]])
    4.5
    >>> loss.gradient([[1.0, 2.0]], [[1.0, 5.0]])
    [[0.0, 3.0]]
    """

    def element(self, t: float, y: float) -> float:
        """Return the squared error."""
        # (y − t)²
        return (y - t) * (y - t)

    def slope(self, t: float, y: float) -> float:
        """Return twice the error."""
        # 2 (y − t)
        return 2 * (y - t)


class MeanAbsoluteError(ElementLoss):
    """f = |y − t|: an outlier counts no more than it is off.

    Source: Hastie, Tibshirani and Friedman (2009), section 10.6.

    Examples
    --------
    >>> MeanAbsoluteError()([[1.0, 2.0]], [[1.0, 5.0]])
    1.5
    >>> MeanAbsoluteError().gradient([[1.0, 2.0]], [[1.0, 5.0]])
    [[0.0, 0.5]]
    """

    def element(self, t: float, y: float) -> float:
        """Return the size of the error."""
        # |y − t|
        return abs(y - t)

    def slope(self, t: float, y: float) -> float:
        """Return the error's sign; 0 at the kink."""
        # sign(y − t)
        return sign(y - t)


class MeanAbsolutePercentageError(ElementLoss):
    """f = 100 |y − t| / max(|t|, 1e-7): the error in percent of the target.

    Examples
    --------
    >>> MeanAbsolutePercentageError()([[4.0]], [[3.0]])
    25.0
    """

    def element(self, t: float, y: float) -> float:
        """Return the percentage."""
        # 100 |y − t| / max(|t|, ε)
        return 100 * abs(y - t) / max(abs(t), EPSILON)

    def slope(self, t: float, y: float) -> float:
        """Return the sign, in percent of the target."""
        # 100 sign(y − t) / max(|t|, ε)
        return 100 * sign(y - t) / max(abs(t), EPSILON)


class MeanSquaredLogarithmicError(ElementLoss):
    """f = (log(1 + y) − log(1 + t))², y and t raised to at least 1e-7 as in Keras.

    Examples
    --------
    >>> round(MeanSquaredLogarithmicError()([[0.0]], [[1.0]]), 6)
    0.480453
    """

    def element(self, t: float, y: float) -> float:
        """Return the squared error of the logarithms."""
        # (log(1 + y) − log(1 + t))²
        return (math.log1p(max(y, EPSILON)) - math.log1p(max(t, EPSILON))) ** 2

    def slope(self, t: float, y: float) -> float:
        """Return twice that error, over 1 + y."""
        # 2 (log(1 + y) − log(1 + t)) / (1 + y), and 0 where raising y has made the function flat
        if y < EPSILON:
            return 0.0
        return 2 * (math.log1p(y) - math.log1p(max(t, EPSILON))) / (1 + y)


class Huber(ElementLoss):
    """f = e²/2 where |e| ≤ δ, else δ (|e| − δ/2): beyond δ a line, so that outliers pull less.

    Source: Huber (1964).

    Parameters
    ----------
    delta : float, default 1.0
        Where the line begins, above 0.

    Examples
    --------
    >>> Huber()([[0.0, 0.0]], [[0.5, 3.0]])
    1.3125
    >>> Huber().gradient([[0.0, 0.0]], [[0.5, 3.0]])
    [[0.25, 0.5]]
    """

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = number(delta, "delta", above=0)

    def element(self, t: float, y: float) -> float:
        """Return the square near the target, the line away from it."""
        e = abs(y - t)
        # δ (|e| − δ/2) where |e| > δ, else e²/2
        return self.delta * (e - self.delta / 2) if e > self.delta else e * e / 2

    def slope(self, t: float, y: float) -> float:
        """Return the error, clipped."""
        # e, clipped to [−δ, δ]
        return min(max(y - t, -self.delta), self.delta)


class LogCosh(ElementLoss):
    """f = log cosh(y − t): e²/2 for small errors, |e| − log 2 for large ones.

    Notes
    -----
    cosh overflows where e is above 710, and for small e little is left of log cosh e once cosh e
    has been rounded to a number near 1. Both come through tanh:
    log cosh e = |e| − log(1 + tanh |e|) = −½ log(1 − tanh² e).

    Examples
    --------
    >>> round(LogCosh()([[0.0]], [[1.0]]), 6)
    0.433781
    >>> LogCosh()([[0.0]], [[1e6]]) == 1e6 - math.log(2)
    True
    """

    def element(self, t: float, y: float) -> float:
        """Return log cosh of the error."""
        e = abs(y - t)
        # |e| − log(1 + tanh |e|) = −½ log(1 − tanh² e)
        if e < 0.5:
            return -math.log1p(-(math.tanh(e) ** 2)) / 2
        return e - math.log1p(math.tanh(e))

    def slope(self, t: float, y: float) -> float:
        """Return tanh of the error."""
        # tanh(y − t)
        return math.tanh(y - t)


class Poisson(ElementLoss):
    """f = y − t log(y + 1e-7), for counts t whose mean y is predicted.

    Minus the logarithm of Poisson's probability e^(−y) y^t / t!, without what t alone adds.

    Examples
    --------
    >>> round(Poisson()([[2.0]], [[1.0]]), 5)
    1.0
    """

    def element(self, t: float, y: float) -> float:
        """Return what the count costs."""
        # y − t log(y + ε)
        return y - t * math.log(y + EPSILON)

    def slope(self, t: float, y: float) -> float:
        """Return its derivative: 0 where the mean is the count."""
        # 1 − t / (y + ε)
        return 1 - t / (y + EPSILON)

    def check_outputs(self, outputs: Matrix) -> None:
        """Raise where a mean is negative."""
        mend = '; end the model in an activation such as "relu"'
        refuse(outputs, lambda y: y < 0, "y_pred must not be negative for Poisson", mend)


def sign(x: float) -> float:
    """Return −1, 0 or 1; NaN of NaN."""
    return math.copysign(1.0, x) if x < 0 or x > 0 else x


class CosineSimilarity(Loss):
    """ℓ = −c, c = Σ_j t_j y_j / (‖t‖ ‖y‖): the cosine of the angle between target and output.

    Lengths count as at least 1e-7, as in Keras.

    Examples
    --------
    >>> CosineSimilarity()([[0.0, 2.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 3.0]])
    -0.5
    """

    def sample_loss(self, t: Vector, y: Vector) -> float:
        """Return minus the cosine."""
        # ℓ = −Σ_j t_j y_j / (‖t‖ ‖y‖)
        return -dot(t, y) / (length(t) * length(y))

    def sample_gradient(self, t: Vector, y: Vector) -> Vector:
        """Return the slopes, across the output: along it nothing changes."""
        # ∂ℓ/∂y_j = (c y_j / ‖y‖ − t_j / ‖t‖) / ‖y‖, and without the first term where ‖y‖ < 1e-7
        c = -self.sample_loss(t, y) if dot(y, y) >= EPSILON**2 else 0.0
        return [
            (c * y_j / length(y) - t_j / length(t)) / length(y)
            for t_j, y_j in zip(t, y, strict=True)
        ]


def length(v: Vector) -> float:
    """Return ‖v‖ = √Σ_j v_j², at least 1e-7.

    Examples
    --------
    >>> length([3.0, 4.0])
    5.0
    """
    return max(math.sqrt(dot(v, v)), EPSILON)
