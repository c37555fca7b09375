"""The model: a chain of layers, and the chain rule as a loop over it.

forward     x → layer₁ → layer₂ → ... → layerₙ → y
backward    ∂L/∂x ← layer₁ ← layer₂ ← ... ← layerₙ ← ∂L/∂y
"""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from random import Random
from types import MappingProxyType
from typing import Literal, TypeVar

from .._support.checks import check_layers, integer
from .constraints import Constraint
from .layers import Layer
from .layers.container import forward_chain, name_layers
from .lists import Shape, Tensor, Vector, check_shape, flatten, map_elements, nest, shape
from .losses import Loss, as_weights
from .metrics.base import weighted_mean
from .optimizers import Optimizer

T = TypeVar("T")


class Model:
    """Layers, each fed with the output of the one before.

    Parameters
    ----------
    layers : sequence of Layer
        Layers without a name of their own become "dense", "dense_1", ...
    seed : int, default 0
        For first weights, dropout and shuffling.
    input_shape : tuple of int, optional
        The shape of one sample; else it is taken from the first batch.

    Examples
    --------
    One pass by hand:

    >>> from mundur.reference import Model, layers, losses, optimizers
    >>> model = Model([layers.Dense(1, kernel_initializer="ones")], input_shape=(2,))
    >>> x, y = [[1.0, 2.0]], [[4.0]]
    >>> y_pred = model.forward(x, training=True)
    >>> loss = losses.MeanSquaredError()
    >>> loss(y, y_pred)
    1.0
    >>> model.backward(loss.gradient(y, y_pred))
    [[-2.0, -2.0]]
    >>> optimizers.SGD(learning_rate=0.25).step(model)
    >>> model.parameters["dense/kernel"], model.parameters["dense/bias"]
    ([[1.5], [2.0]], [0.5])
    """

    def __init__(
        self, layers: Sequence[Layer], seed: int = 0, input_shape: Shape | None = None
    ) -> None:
        check_layers(layers, "Model")
        self.layers = list(layers)
        self.seed = seed
        self.rng = Random(seed)
        self.optimizer: Optimizer | None = None
        self.loss: Loss | None = None
        self.built = False
        self.outputs: list[Tensor] = []
        name_layers(self.layers)
        if input_shape is not None:
            self.build(input_shape)

    def build(self, input_shape: Shape) -> None:
        """Make all parameters, for samples of this shape."""
        for layer in self.layers:
            input_shape = layer.build(input_shape, self.rng)
        self.built = True

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Return the outputs y of the batch x; the layers keep what backward needs."""
        if not self.built:
            self.build(shape(x)[1:])
        # a⁽⁰⁾ = x        a⁽ˡ⁾ = layerₗ(a⁽ˡ⁻¹⁾)        y = a⁽ⁿ⁾
        self.outputs = forward_chain(self.layers, x, training)
        return self.outputs[-1] if self.outputs else x

    def backward(self, gradient: Tensor) -> Tensor:
        """Return ∂L/∂x from `gradient` = ∂L/∂y, for the last forward; fill `gradients`."""
        # ∂L/∂a⁽ˡ⁻¹⁾ = ∂a⁽ˡ⁾/∂a⁽ˡ⁻¹⁾ ∂L/∂a⁽ˡ⁾, from the last layer to the first
        for i in reversed(range(len(self.layers))):
            layer = self.layers[i]
            if layer.activity_regularizer:
                slopes = layer.activity_regularizer.gradient(self.outputs[i])
                gradient = add_mean(gradient, slopes)
            gradient = layer.backward(gradient)
            layer.add_penalties()
        return gradient

    def penalty(self) -> float:
        """Return what regularizers add to the loss, for the batch that went forward last."""
        # Σ_w R(w) + Σ_a R(a) / B
        weights = sum(
            regularizer(layer.parameters[p])
            for layer in self.layers
            for p, regularizer in layer.regularizers.items()
            if p in layer.parameters  # a layer may be without its bias
        )
        return weights + sum(
            layer.activity_regularizer(a) / len(a)
            for layer, a in zip(self.layers, self.outputs, strict=False)  # none before a forward
            if layer.activity_regularizer
        )

    @property
    def parameters(self) -> Mapping[str, Tensor]:
        """The parameters, live, as "layer/parameter"; change them in place: `[...][:] = ...`."""
        return MappingProxyType(
            {f"{layer.name}/{p}": w for layer in self.layers for p, w in layer.parameters.items()}
        )

    @property
    def gradients(self) -> Mapping[str, Tensor]:
        """∂L/∂w of the last backward, under the parameters' names; none for frozen ones."""
        return MappingProxyType(
            {
                f"{layer.name}/{p}": g
                for layer in self.layers
                for p, g in layer.gradients.items()
                if layer.learns(p)
            }
        )

    @property
    def state(self) -> Mapping[str, Tensor]:
        """What training changes, but no gradient, live, as "layer/name"."""
        return MappingProxyType(
            {f"{layer.name}/{s}": w for layer in self.layers for s, w in layer.state.items()}
        )

    @property
    def constraints(self) -> Mapping[str, Constraint]:
        """The constraints of the parameters that have one, by the parameters' names."""
        return {
            f"{layer.name}/{p}": c for layer in self.layers for p, c in layer.constraints.items()
        }

    def set_parameters(self, values: Mapping[str, Tensor]) -> None:
        """Copy values into parameters, by name.

        Raises
        ------
        ValueError
            For a name that is not a parameter, or a value of another shape.
        """
        parameters = self.parameters
        for name, value in values.items():
            if name not in parameters:
                raise ValueError(f"no parameter {name!r} (known: {', '.join(parameters)})")
            check_shape(name, value, shape(parameters[name]))
            parameters[name][:] = nest(map(float, flatten(value)), shape(value))

    def freeze(self, pattern: str) -> None:
        """Stop the learning of parameters whose name fits, such as "*/bias"."""
        for layer, parameter in self.matching(pattern):
            layer.frozen.add(parameter)

    def unfreeze(self, pattern: str) -> None:
        """Undo `freeze`."""
        for layer, parameter in self.matching(pattern):
            layer.frozen.discard(parameter)

    def matching(self, pattern: str) -> list[tuple[Layer, str]]:
        """Find the layers and parameters whose "layer/parameter" fits; at least one."""
        if not self.built:
            raise RuntimeError("the model has no parameters before it is built: give input_shape")
        found = [
            (layer, parameter)
            for layer in self.layers
            for parameter in layer.parameters
            if fnmatchcase(f"{layer.name}/{parameter}", pattern)
        ]
        if not found:
            known = ", ".join(self.parameters)
            raise ValueError(f"no parameter matches {pattern!r} (known: {known})")
        return found

    def compile(self, optimizer: Optimizer, loss: Loss) -> None:
        """Say how to learn, and from what."""
        self.optimizer = optimizer
        self.loss = loss

    def train_on_batch(self, x: Tensor, y: Tensor, sample_weight: Vector | None = None) -> float:
        """Learn one step from one batch; give the loss before the step, penalties included."""
        return sum(self.learn(x, y, sample_weight))

    def learn(self, x: Tensor, y: Tensor, sample_weight: Vector | None) -> tuple[float, float]:
        """As `train_on_batch`; give the data's loss and the penalties."""
        optimizer, loss = self.compiled()
        y_pred = self.forward(x, training=True)
        self.backward(loss.gradient(y, y_pred, sample_weight))
        penalty = self.penalty()
        optimizer.step(self)
        return loss(y, y_pred, sample_weight), penalty

    def fit(
        self,
        x: Tensor,
        y: Tensor,
        batch_size: int | Literal["full"] | None = None,
        epochs: int = 1,
        shuffle: bool = True,
        sample_weight: Vector | None = None,
    ) -> dict[str, list[float]]:
        """Learn from all samples, `epochs` times; give {"loss": [one mean per epoch]}.

        Parameters
        ----------
        x, y : list
            Samples and targets.
        batch_size : int, "full" or None
            Samples per step: 1 is stochastic gradient descent, "full" batch gradient descent,
            what lies between are mini-batches; None is 32. The last batch may be shorter.
        epochs : int, default 1
        shuffle : bool, default True
            Whether each epoch takes the samples in a new random order.
        sample_weight : list of float, optional
            One weight per sample.
        """
        samples = check_shape("x", x, (None, *shape(x)[1:]))[0]
        check_shape("y", y, (samples, *shape(y)[1:]))
        weights = as_weights(sample_weight, samples)
        size = samples if batch_size == "full" else 32 if batch_size is None else batch_size
        integer(size, "batch_size", 1)
        history: dict[str, list[float]] = {"loss": []}
        for _ in range(integer(epochs, "epochs", 1)):
            order = self.rng.sample(range(samples), samples) if shuffle else list(range(samples))
            batch_losses, batch_weights, penalties = [], [], []
            for batch in batches(order, size):
                w = take(weights, batch)
                value, penalty = self.learn(take(x, batch), take(y, batch), w)
                batch_losses.append(value)
                batch_weights.append(sum(w))
                penalties.append(penalty * len(batch) / samples)
            history["loss"].append(weighted_mean(batch_losses, batch_weights) + sum(penalties))
        return history

    def predict(self, x: Tensor) -> Tensor:
        """Return the outputs for x, nothing dropped."""
        return self.forward(x, training=False)

    def evaluate(self, x: Tensor, y: Tensor, sample_weight: Vector | None = None) -> float:
        """Return the loss of x and y, nothing dropped, nothing learned."""
        return self.compiled()[1](y, self.predict(x), sample_weight) + self.penalty()

    def compiled(self) -> tuple[Optimizer, Loss]:
        """Return what `compile` was told."""
        if self.optimizer is None or self.loss is None:
            raise RuntimeError("call compile(optimizer, loss) first")
        return self.optimizer, self.loss

    def __repr__(self) -> str:
        return f"Model({self.layers!r}, seed={self.seed})"


def add_mean(gradient: Tensor, slopes: Tensor) -> Tensor:
    """Return ∂L/∂a + ∂R/∂a / B, B the samples of the batch.

    Examples
    --------
    >>> add_mean([[1.0], [2.0]], [[4.0], [6.0]])
    [[3.0], [5.0]]
    """
    return map_elements(lambda g, s: g + s / len(gradient), gradient, slopes)


def batches(order: list[int], size: int) -> Iterator[list[int]]:
    """Yield the order cut into pieces of `size`, the last maybe shorter.

    Examples
    --------
    >>> list(batches([4, 0, 3, 1, 2], 2))
    [[4, 0], [3, 1], [2]]
    """
    for start in range(0, len(order), size):
        yield order[start : start + size]


def take(values: Sequence[T], indices: list[int]) -> list[T]:
    """Return the values at these places."""
    return [values[i] for i in indices]
