"""What all initializers share, and the one that gives what it was given."""

from random import Random

from .. import lists
from ..lists import Shape, Tensor, flatten, nest


class Initializer:
    """Gives a nested list of a shape: `initializer(shape, rng)`."""

    def __call__(self, shape: Shape, rng: Random) -> Tensor:
        """Return first values of the given shape, random ones drawn from `rng`."""
        raise NotImplementedError

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({options})"


class Array(Initializer):
    """Values given as nested lists, copied.

    Parameters
    ----------
    values : nested list
        Must have the shape of the parameter.

    Examples
    --------
    >>> Array([[1, 2]])((1, 2), Random(0))
    [[1.0, 2.0]]
    """

    def __init__(self, values: Tensor) -> None:
        self.values = values

    def __call__(self, shape: Shape, rng: Random) -> Tensor:
        """Return a copy of the values."""
        if lists.shape(self.values) != shape:
            raise ValueError(
                f"initial values must have the parameter's shape {shape}; "
                f"got {lists.shape(self.values)}"
            )
        return nest(map(float, flatten(self.values)), shape)
