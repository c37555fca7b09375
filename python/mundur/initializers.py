"""First values of parameters.

Random values come from the package's own counter-based generator, so a seeded model starts with the
same bits on every machine. The key is the initializer's seed, or else the model's; the stream is
fixed by the parameter's position in the model (see `stream_of`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import _core
from .configurable import Configurable
from .keywords import checked_keywords, lookup, unknown_attribute
from .validation import dtype_name, extents, fresh_seed, number, seed_value

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Initializer",
    "Ones",
    "RandomNormal",
    "RandomUniform",
    "Zeros",
    "get",
]

# Keras's arguments with one value here: fans are taken from the last two axes.
_AXES = {"input_axes": None, "output_axes": None}


class Initializer(Configurable):
    """Base of the initializers; call one with a shape for an array.

    Examples
    --------
    >>> import mundur as md
    >>> md.initializers.GlorotUniform(seed=1)((2, 3)).shape
    (2, 3)
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> npt.NDArray[Any]:
        """An array of this shape and dtype: "float32" (None is that, too) or "float64"."""
        out = np.empty(extents(shape, "shape"), dtype_name("float32" if dtype is None else dtype))
        seed: int | None = getattr(self, "seed", None)
        self.fill(out, fresh_seed() if seed is None else seed, 0)
        return out

    def fill(self, out: npt.NDArray[Any], seed: int, stream: int) -> None:
        """Writes the first values into `out`, a parameter's live view."""
        raise NotImplementedError(f"{type(self).__name__}.fill is not written")


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


class _Random(Initializer):
    seed: int | None

    def fill(self, out: npt.NDArray[Any], seed: int, stream: int) -> None:
        """Writes the first values into `out`."""
        self._draw(out, seed if self.seed is None else self.seed, stream)

    def _draw(self, out: npt.NDArray[Any], key: int, stream: int) -> None:
        raise NotImplementedError


class RandomUniform(_Random):
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


class RandomNormal(_Random):
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


class _Scaled(_Random):
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


class ArrayInitializer(Initializer):
    """Values given outright, as an array or nested lists of the parameter's shape."""

    def __init__(self, values: Any) -> None:
        try:
            array = np.array(values)
        except ValueError as error:
            raise ValueError(f"initial values must form an array; {error}") from None
        if array.dtype.kind not in "biuf" or array.size == 0:
            raise TypeError(
                f"initial values must be real numbers; got dtype {array.dtype}, shape {array.shape}"
            )
        if not np.isfinite(array).all():
            raise ValueError("initial values must be finite; got NaN or infinity")
        array = array.astype(np.float32 if array.dtype.itemsize < 4 else np.float64, copy=False)
        array.flags.writeable = False
        self.values = array

    def fill(self, out: npt.NDArray[Any], seed: int, stream: int) -> None:
        """Writes the first values into `out`."""
        if self.values.shape != out.shape:
            raise ValueError(
                f"initial values must have the parameter's shape {out.shape}; "
                f"got {self.values.shape}"
            )
        out[...] = self.values

    def __repr__(self) -> str:
        return repr(self.values.tolist())


def stream_of(layer: int, parameter: int) -> int:
    """The random stream of a parameter.

    "init" in the upper 32 bits, then 24 bits of the layer's index in the model, then 8 bits of the
    parameter's index in its layer.
    """
    return 0x696E6974 << 32 | layer << 8 | parameter


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """(fan_in, fan_out) of a parameter: its last two extents, times those before them."""
    if len(shape) == 1:
        return shape[0], shape[0]
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


KNOWN: dict[str, type[Initializer]] = {
    "zeros": Zeros,
    "ones": Ones,
    "constant": Constant,
    "random_uniform": RandomUniform,
    "random_normal": RandomNormal,
    "glorot_uniform": GlorotUniform,
    "glorot_normal": GlorotNormal,
    "he_uniform": HeUniform,
    "he_normal": HeNormal,
}
_CLASS_NAMES = {cls.__name__: cls for cls in KNOWN.values()}


def get(identifier: Any, argument: str = "initializer") -> Initializer:
    """The initializer of a name, an instance, a class, an array or nested lists.

    Parameters
    ----------
    identifier : str, Initializer, array or nested list
        For example ``"he_normal"``, ``HeNormal(seed=1)`` or an array of the parameter's shape.
    argument : str, optional
        The name that an error mentions.

    Raises
    ------
    ValueError
        For an unknown name; it lists the known ones.
    TypeError
        For anything else.

    Examples
    --------
    >>> import mundur as md
    >>> md.initializers.get("he_normal")
    HeNormal()
    """
    if isinstance(identifier, Initializer):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Initializer):
        return identifier()
    if isinstance(identifier, str):
        return lookup(KNOWN, identifier, argument, _CLASS_NAMES)()
    if isinstance(identifier, (list, tuple)) or hasattr(identifier, "__array__"):
        return ArrayInitializer(identifier)
    raise TypeError(
        f"{argument} must be a name, an Initializer or an array; got {identifier!r} "
        f"({type(identifier).__name__})"
    )


def as_argument(initializer: Initializer) -> Any:
    """The shortest thing to write in a call: a name where no argument differs from its default."""
    for name, cls in KNOWN.items():
        if type(initializer) is cls and repr(initializer) == f"{cls.__name__}()":
            return name
    return initializer


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        raise unknown_attribute("mundur.initializers", name, __all__)
