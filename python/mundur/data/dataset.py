"""The checked arrays of a pass, and how a set is weighed and parted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .._support.checks import integer, number
from . import arrays
from .targets import check_head, class_weights, sample_targets

if TYPE_CHECKING:
    from ..models.model import Model

Array = npt.NDArray[Any]


class Dataset(NamedTuple):
    """Checked arrays of one pass, and what an error calls x."""

    x: Array
    y: Array
    weights: npt.NDArray[np.float64] | None
    name: str

    def slice(self, start: int, stop: int | None, name: str) -> Dataset:
        """A part of the samples, without a copy."""
        part = np.s_[start:stop]
        weights = None if self.weights is None else self.weights[part]
        return Dataset(self.x[part], self.y[part], weights, name)


def prepare(
    model: Model,
    x: Array,
    y: Any,
    sample_weight: Any,
    names: tuple[str, str, str] = ("x", "y", "sample_weight"),
) -> Dataset:
    """Checks targets and weights against features (already checked) and the model's loss."""
    loss, outputs = model.compiled_loss, model.native.output_shape
    check_head(loss, model.native.head, outputs)
    shape = (len(x), *outputs)
    y = sample_targets(y, loss, shape, names[1], names[0])
    weights = None
    if sample_weight is not None:
        weights = arrays.weights(sample_weight, len(x), names[2])
    return Dataset(x, y, weights, names[0])


def weigh_classes(model: Model, data: Dataset, class_weight: Any) -> Dataset:
    """The same samples, each weight multiplied with that of the sample's class."""
    if class_weight is None:
        return data
    by_class = class_weights(
        class_weight, data.y, model.compiled_loss, model.native.output_shape[-1]
    )
    return data._replace(weights=by_class if data.weights is None else data.weights * by_class)


def resolve_batch_size(batch_size: Any, samples: int, name: str = "batch_size") -> int:
    """None is 32, "full" every sample; never more than there are."""
    if batch_size is None:
        batch_size = 32
    elif isinstance(batch_size, str):
        if batch_size != "full":
            raise ValueError(f'{name} must be an integer >= 1 or "full"; got {batch_size!r}')
        batch_size = samples
    return min(integer(batch_size, name, 1), samples)


def split(data: Dataset, fraction: Any) -> tuple[Dataset, Dataset | None]:
    """The samples before and those of the last `fraction`, as Keras splits them."""
    fraction = number(fraction, "validation_split", at_least=0, below=1)
    if fraction == 0:
        return data, None
    samples = len(data.x)
    boundary = int(samples * (1.0 - fraction))
    if boundary in (0, samples):
        raise ValueError(f"validation_split={fraction} of {samples} samples leaves one part empty")
    return data.slice(0, boundary, data.name), data.slice(boundary, None, "x of validation_split")


def with_validation(
    model: Model, data: Dataset, fraction: Any, given: Any
) -> tuple[Dataset, Dataset | None]:
    """The samples to train on and those to validate on, from fit's two arguments for them."""
    if given is None:
        return split(data, fraction)
    number(fraction, "validation_split", at_least=0, below=1)
    if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
        many = f" of {len(given)}" if isinstance(given, (tuple, list)) else ""
        raise TypeError(
            "validation_data must be (x, y) or (x, y, sample_weight); got "
            f"{type(given).__name__}{many}"
        )
    names = ("validation_data[0]", "validation_data[1]", "validation_data[2]")
    x = arrays.features(given[0], model.native.input_shape, names[0])
    weight = given[2] if len(given) == 3 else None
    return data, prepare(model, x, given[1], weight, names)
