"""Initializers whose variance comes from the fans of a parameter."""

from __future__ import annotations

import math
from typing import Any

import numpy.typing as npt

from .. import _core
from .._support.checks import number, seed_value
from .._support.names import checked_keywords, lookup
from .base import Random, fans

# Keras's arguments with one value here: fans are taken from the last two axes.
_AXES = {"input_axes": None, "output_axes": None}

_MODES = {name: name for name in ("fan_in", "fan_out", "fan_avg")}
_DISTRIBUTIONS = {
    "truncated_normal": "truncated_normal",
    "untruncated_normal": "untruncated_normal",
    "uniform": "uniform",
}
# The deviation of the normal distribution cut off at two deviations on either side.
TRUNCATED_DEVIATION = 0.87962566103423978


class VarianceScaling(Random):
    """Variance scale / n, where n is the fan in, the fan out, or the mean of both.

    Fan in is how many numbers come into a unit, fan out how many units a number goes to: the two
    extents of a kernel. With s = √(scale / n): "truncated_normal" draws from a normal of
    deviation s / 0.8796 cut off at two of its deviations, which has deviation s;
    "untruncated_normal" from a normal of deviation s; "uniform" from ±√3·s.

    What is what: GlorotUniform is (1, "fan_avg", "uniform"), HeUniform (2, "fan_in", "uniform"),
    LecunUniform (1, "fan_in", "uniform"). GlorotNormal, HeNormal and LecunNormal are the same with
    "untruncated_normal" here; in Keras with "truncated_normal".

    Parameters
    ----------
    scale : float, default 1.0
        Above 0.
    mode : {"fan_in", "fan_out", "fan_avg"}, default "fan_in"
    distribution : str, default "truncated_normal"
        Or "untruncated_normal" or "uniform"; "normal" is the default's other name, as in Keras.
    seed : int, optional
        Key of the random stream; the model's seed where it is None.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it; for an unknown name, with the known ones.

    Examples
    --------
    >>> import mundur as md
    >>> keras_he_normal = md.initializers.VarianceScaling(2.0, seed=1)
    >>> values = keras_he_normal((200, 100))
    >>> bool(abs(values.std() - 0.1) < 0.01), bool(abs(values).max() < 0.2274)
    (True, True)
    """

    @checked_keywords(ignored=_AXES)
    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ) -> None:
        self.scale = number(scale, "scale", above=0)
        self.mode = lookup(_MODES, mode, "mode")
        self.distribution = lookup(
            _DISTRIBUTIONS, distribution, "distribution", {"normal": "truncated_normal"}
        )
        self.seed = seed_value(seed)

    def _draw(self, out: npt.NDArray[Any], key: int, stream: int) -> None:
        fan_in, fan_out = fans(out.shape)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        deviation = math.sqrt(self.scale / n)
        if self.distribution == "truncated_normal":
            wide = deviation / TRUNCATED_DEVIATION
            _core.random_truncated(out, key, stream, 0.0, wide)
        elif self.distribution == "untruncated_normal":
            _core.random_normal(out, key, stream, 0.0, deviation)
        else:
            limit = math.sqrt(3.0) * deviation
            _core.random_uniform(out, key, stream, -limit, limit)


class _Scaled(Random):
    """Variance from the fans of the shape."""

    @checked_keywords(ignored=_AXES)
    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed_value(seed)


class GlorotUniform(_Scaled):
    """Uniform in ±√(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010, equation 16).

    Parameters
    ----------
    seed : int, optional
        Key of the random stream; the model's seed where it is None.

    Examples
    --------
    >>> import mundur as md
    >>> values = md.initializers.GlorotUniform(seed=1)((300, 300))
    >>> bool(abs(values).max() <= 0.1)
    True
    """

    def _draw(self, out: npt.NDArray[Any], key: int, stream: int) -> None:
        limit = math.sqrt(6.0 / sum(fans(out.shape)))
        _core.random_uniform(out, key, stream, -limit, limit)


class GlorotNormal(_Scaled):
    """Normal with deviation √(2 / (fan_in + fan_out)) (Glorot and Bengio, 2010).

    Keras truncates this normal at two deviations and widens it to the same variance; here it is
    the plain normal, with values beyond two deviations.

    Parameters
    ----------
    seed : int, optional
        Key of the random stream; the model's seed where it is None.

    Examples
    --------
    >>> import mundur as md
    >>> values = md.initializers.GlorotNormal(seed=1)((100, 100))
    >>> bool(abs(values.std() - 0.1) < 0.01)
    True
    """

    def _draw(self, out: npt.NDArray[Any], key: int, stream: int) -> None:
        _core.random_normal(out, key, stream, 0.0, math.sqrt(2.0 / sum(fans(out.shape))))


class HeUniform(_Scaled):
    """Uniform in ±√(6 / fan_in) (He et al., 2015).

    Parameters
    ----------
    seed : int, optional
        Key of the random stream; the model's seed where it is None.

    Examples
    --------
    >>> import mundur as md
    >>> values = md.initializers.HeUniform(seed=1)((600, 10))
    >>> bool(abs(values).max() <= 0.1)
    True
    """

    def _draw(self, out: npt.NDArray[Any], key: int, stream: int) -> None:
        limit = math.sqrt(6.0 / fans(out.shape)[0])
        _core.random_uniform(out, key, stream, -limit, limit)


class HeNormal(_Scaled):
    """Normal with deviation √(2 / fan_in) (He et al., 2015, equation 10).

    Keras truncates this normal at two deviations and widens it to the same variance; here it is
    the plain normal, with values beyond two deviations.

    Parameters
    ----------
    seed : int, optional
        Key of the random stream; the model's seed where it is None.

    Examples
    --------
    >>> import mundur as md
    >>> values = md.initializers.HeNormal(seed=1)((200, 100))
    >>> bool(abs(values.std() - 0.1) < 0.01)
    True
    """

    def _draw(self, out: npt.NDArray[Any], key: int, stream: int) -> None:
        _core.random_normal(out, key, stream, 0.0, math.sqrt(2.0 / fans(out.shape)[0]))


class LecunUniform(_Scaled):
    """Uniform in ±√(3 / fan_in) (LeCun et al., 1998, section 4.6).

    Parameters
    ----------
    seed : int, optional
        Key of the random stream; the model's seed where it is None.

    Examples
    --------
    >>> import mundur as md
    >>> values = md.initializers.LecunUniform(seed=1)((300, 10))
    >>> bool(abs(values).max() <= 0.1)
    True
    """

    def _draw(self, out: npt.NDArray[Any], key: int, stream: int) -> None:
        limit = math.sqrt(3.0 / fans(out.shape)[0])
        _core.random_uniform(out, key, stream, -limit, limit)


class LecunNormal(_Scaled):
    """Normal with deviation 1 / √fan_in (LeCun et al., 1998, section 4.6).

    Keras truncates this normal at two deviations and widens it to the same variance; here it is
    the plain normal, with values beyond two deviations.

    Parameters
    ----------
    seed : int, optional
        Key of the random stream; the model's seed where it is None.

    Examples
    --------
    >>> import mundur as md
    >>> values = md.initializers.LecunNormal(seed=1)((100, 100))
    >>> bool(abs(values.std() - 0.1) < 0.01)
    True
    """

    def _draw(self, out: npt.NDArray[Any], key: int, stream: int) -> None:
        _core.random_normal(out, key, stream, 0.0, math.sqrt(1.0 / fans(out.shape)[0]))
