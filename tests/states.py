"""What two trainings are compared by."""

from __future__ import annotations

from typing import Any

import mundur as md


def training_state(model: md.Model) -> list[Any]:
    """Everything that training changes, to the bit."""
    assert model.optimizer is not None
    arrays, scalars = model.optimizer._native.state()
    return [
        [weights.tobytes() for weights in model.get_weights()],
        {name: array.tobytes() for name, array in arrays.items()},
        scalars,
        repr(model.optimizer.get_config()),
        model.native.training_forwards,
        model.epochs_begun,
    ]
