"""A network of 2 inputs, 2 hidden units and 2 outputs, number by number.

    i1 ──w1── h1 ──w5── o1        h1 = f(w1 i1 + w2 i2 + b1)      o1 = f(w5 h1 + w6 h2 + b2)
       ╲w3╱      ╲w7╱             h2 = f(w3 i1 + w4 i2 + b1)      o2 = f(w7 h1 + w8 h2 + b2)
       ╱w2╲      ╱w6╲
    i2 ──w4── h2 ──w8── o2        f logistic,  E = ½ (t1 − o1)² + ½ (t2 − o2)²,  η = 0.5

The error E is `MeanSquaredError`, whose 1/m is ½ for two outputs. Every gradient is taken at the
old weights, and all weights are updated together, as backpropagation demands: figures in
circulation that update the output weights first differ from the seventh digit of E on.

The biases are frozen, as most course notes do. Trained, each unit has a bias of its own (b1, b1′,
b2, b2′), which is how the networks of practice learn.
"""

from dataclasses import dataclass

from .._support.checks import integer
from .layers import Dense
from .lists import Matrix, Tensor, Vector
from .losses import MeanSquaredError
from .model import Model
from .optimizers import SGD

INPUTS: Matrix = [[0.05, 0.10]]
TARGETS: Matrix = [[0.01, 0.99]]
LEARNING_RATE = 0.5

# The kernel's layout is (in, out): a unit's weights stand in a column.
WEIGHTS: dict[str, Tensor] = {
    "dense/kernel": [[0.15, 0.25], [0.20, 0.30]],  # [[w1, w3], [w2, w4]]
    "dense/bias": [0.35, 0.35],
    "dense_1/kernel": [[0.40, 0.50], [0.45, 0.55]],  # [[w5, w7], [w6, w8]]
    "dense_1/bias": [0.60, 0.60],
}


@dataclass(frozen=True)
class Values:
    """All numbers of one update, by the names course notes give them.

    Attributes
    ----------
    forward : dict
        z_h1, h1, z_h2, h2, z_o1, o1, z_o2, o2.
    error : float
        E before the update.
    deltas : dict
        δ_o1, δ_o2, δ_h1, δ_h2, where δ = ∂E/∂z.
    gradients : dict
        ∂E/∂w1, ..., ∂E/∂w8; and those of the biases where they are trained.
    weights : dict
        w1, ..., w8, b1, b1′, b2, b2′ after the update.
    error_after : float
        E after the update.
    """

    forward: dict[str, float]
    error: float
    deltas: dict[str, float]
    gradients: dict[str, float]
    weights: dict[str, float]
    error_after: float


def worked_example(updates: int = 1, train_biases: bool = False) -> Values:
    """Calculate the numbers of the last of so many updates.

    Parameters
    ----------
    updates : int, default 1
        1 shows the update from the first weights.
    train_biases : bool, default False

    Examples
    --------
    >>> values = worked_example()
    >>> round(values.error, 12), round(values.error_after, 12)
    (0.29837110876, 0.291027773694)
    >>> round(values.gradients["∂E/∂w5"], 12)
    0.082167040564
    """
    integer(updates, "updates", 1)
    hidden, output = Dense(2, "sigmoid"), Dense(2, "sigmoid")
    model = Model([hidden, output], input_shape=(2,))
    model.set_parameters(WEIGHTS)
    if not train_biases:
        model.freeze("*/bias")
    loss = MeanSquaredError()
    model.compile(SGD(LEARNING_RATE), loss)

    error = 0.0
    for _ in range(updates):
        error = model.train_on_batch(INPUTS, TARGETS)

    # The layers still hold z, f(z) and δ of the last pass; E after it needs a new one.
    forward = forward_values(hidden.z[0], (hidden.a or [])[0], output.z[0], (output.a or [])[0])
    deltas = delta_values(hidden.delta[0], output.delta[0])
    gradients = gradient_values(dict(model.gradients))
    weights = weight_values(dict(model.parameters))
    return Values(forward, error, deltas, gradients, weights, model.evaluate(INPUTS, TARGETS))


def forward_values(z_h: Vector, h: Vector, z_o: Vector, o: Vector) -> dict[str, float]:
    """Name z and f(z) of every unit, in the order of a calculation by hand."""
    units = zip(("h1", "h2", "o1", "o2"), (*z_h, *z_o), (*h, *o), strict=True)
    values = {}
    for unit, z, y in units:
        values[f"z_{unit}"] = z
        values[unit] = y
    return values


def delta_values(delta_h: Vector, delta_o: Vector) -> dict[str, float]:
    """Name δ of every unit, the outputs first as backpropagation finds them."""
    return dict(zip(("δ_o1", "δ_o2", "δ_h1", "δ_h2"), (*delta_o, *delta_h), strict=True))


def weight_values(parameters: dict[str, Tensor]) -> dict[str, float]:
    """Name what is in "dense/kernel", "dense_1/bias", ...; what is absent is left out."""
    values = {}
    if "dense/kernel" in parameters:
        ((values["w1"], values["w3"]), (values["w2"], values["w4"])) = parameters["dense/kernel"]
    if "dense_1/kernel" in parameters:
        ((values["w5"], values["w7"]), (values["w6"], values["w8"])) = parameters["dense_1/kernel"]
    if "dense/bias" in parameters:
        values["b1"], values["b1′"] = parameters["dense/bias"]
    if "dense_1/bias" in parameters:
        values["b2"], values["b2′"] = parameters["dense_1/bias"]
    return dict(sorted(values.items(), key=lambda item: (item[0][0] == "b", item[0])))


def gradient_values(gradients: dict[str, Tensor]) -> dict[str, float]:
    """Name ∂E/∂w of every weight that has a gradient."""
    return {f"∂E/∂{name}": value for name, value in weight_values(gradients).items()}
