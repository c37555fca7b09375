"""First values of one number, or drawn without a look at the shape; Orthogonal, Identity."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _core
from .._support.checks import number, seed_value
from .._support.names import checked_keywords
from .base import Initializer, Random


class Zeros(Initializer):
    """Every value is 0.

    Examples
    --------
    >>> import mundur as md
    >>> md.initializers.Zeros()((2,))
    array([0., 0.], dtype=float32)
    """

    def fill(self, out: npt.NDArray[Any], seed: int, stream: int) -> None:
        """Writes the first values into `out`."""
        out[...] = 0


class Ones(Initializer):
    """Every value is 1.

    Examples
    --------
    >>> import mundur as md
    >>> md.initializers.Ones()((2,))
    array([1., 1.], dtype=float32)
    """

    def fill(self, out: npt.NDArray[Any], seed: int, stream: int) -> None:
        """Writes the first values into `out`."""
        out[...] = 1


class Constant(Initializer):
    """Every value is `value`.

    Parameters
    ----------
    value : float, default 0.0
        A finite number.

    Examples
    --------
    >>> import mundur as md
    >>> md.initializers.Constant(0.5)((2,))
    array([0.5, 0.5], dtype=float32)
    """

    @checked_keywords()
    def __init__(self, value: float = 0.0) -> None:
        self.value = number(value, "value")

    def fill(self, out: npt.NDArray[Any], seed: int, stream: int) -> None:
        """Writes the first values into `out`."""
        out[...] = self.value


class RandomUniform(Random):
    """Uniform in [minval, maxval).

    Parameters
    ----------
    minval, maxval : float, default -0.05 and 0.05
        The bounds, ``minval <= maxval``.
    seed : int, optional
        Key of the random stream; the model's seed where it is None.

    Examples
    --------
    >>> import mundur as md
    >>> values = md.initializers.RandomUniform(0, 1, seed=3)((1000,))
    >>> bool((values >= 0).all() and (values < 1).all())
    True
    """

    @checked_keywords()
    def __init__(
        self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None
    ) -> None:
        self.minval = number(minval, "minval")
        self.maxval = number(maxval, "maxval", at_least=self.minval)
        self.seed = seed_value(seed)

    def _draw(self, out: npt.NDArray[Any], key: int, stream: int) -> None:
        _core.random_uniform(out, key, stream, self.minval, self.maxval)


class RandomNormal(Random):
    """Normal with this mean and standard deviation.

    Parameters
    ----------
    mean : float, default 0.0
    stddev : float, default 0.05
        Not negative.
    seed : int, optional
        Key of the random stream; the model's seed where it is None.

    Examples
    --------
    >>> import mundur as md
    >>> values = md.initializers.RandomNormal(stddev=2.0, seed=3)((10000,))
    >>> bool(abs(values.std() - 2.0) < 0.1)
    True
    """

    @checked_keywords()
    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        self.mean = number(mean, "mean")
        self.stddev = number(stddev, "stddev", at_least=0)
        self.seed = seed_value(seed)

    def _draw(self, out: npt.NDArray[Any], key: int, stream: int) -> None:
        _core.random_normal(out, key, stream, self.mean, self.stddev)


class TruncatedNormal(Random):
    """Normal, cut off at two deviations on either side.

    `stddev` is that of the normal before the cut; what remains has 0.8796 of it.

    Parameters
    ----------
    mean : float, default 0.0
    stddev : float, default 0.05
        Not negative.
    seed : int, optional
        Key of the random stream; the model's seed where it is None.

    Examples
    --------
    >>> import mundur as md
    >>> values = md.initializers.TruncatedNormal(stddev=0.5, seed=3)((10000,))
    >>> bool(abs(values).max() <= 1.0)
    True
    """

    @checked_keywords()
    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        self.mean = number(mean, "mean")
        self.stddev = number(stddev, "stddev", at_least=0)
        self.seed = seed_value(seed)

    def _draw(self, out: npt.NDArray[Any], key: int, stream: int) -> None:
        _core.random_truncated(out, key, stream, self.mean, self.stddev)


class Orthogonal(Random):
    """Orthonormal columns, or rows where there are fewer, times `gain` (Saxe et al., 2014).

    The Q of a matrix of normal numbers, by the modified Gram-Schmidt process in float64 with a
    fixed order of sums, so it too has the same bits everywhere. Parameters of more than two axes
    count as matrices of as many columns as the last has. A large kernel takes time: seconds for
    2,000 by 2,000.

    Parameters
    ----------
    gain : float, default 1.0
    seed : int, optional
        Key of the random stream; the model's seed where it is None.

    Raises
    ------
    ValueError
        For a parameter of one axis.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> q = md.initializers.Orthogonal(seed=1)((5, 3), "float64")
    >>> bool(abs(q.T @ q - np.eye(3)).max() < 1e-14)
    True
    """

    @checked_keywords()
    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        self.gain = number(gain, "gain")
        self.seed = seed_value(seed)

    def _draw(self, out: npt.NDArray[Any], key: int, stream: int) -> None:
        if out.ndim < 2:
            raise ValueError(f"Orthogonal needs two axes or more; got the shape {out.shape}")
        _core.random_orthogonal(out.reshape(-1, out.shape[-1]), key, stream, self.gain)


class Identity(Initializer):
    """`gain` on the diagonal, 0 elsewhere.

    Parameters
    ----------
    gain : float, default 1.0

    Raises
    ------
    ValueError
        For a parameter of other than two axes.

    Examples
    --------
    >>> import mundur as md
    >>> md.initializers.Identity()((2, 3))
    array([[1., 0., 0.],
           [0., 1., 0.]], dtype=float32)
    """

    @checked_keywords()
    def __init__(self, gain: float = 1.0) -> None:
        self.gain = number(gain, "gain")

    def fill(self, out: npt.NDArray[Any], seed: int, stream: int) -> None:
        """Writes the first values into `out`."""
        if out.ndim != 2:
            raise ValueError(f"Identity needs two axes; got the shape {out.shape}")
        out[...] = 0
        np.fill_diagonal(out, self.gain)
