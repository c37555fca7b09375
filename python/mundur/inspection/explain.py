"""One pass through a model, layer by layer: what `Model.explain` returns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._support.names import suggestion
from .._support.views import Views
from ..data import arrays
from ..data.targets import check_head
from ..layers.container import copied
from ..losses.base import NativeLoss

if TYPE_CHECKING:
    from .. import _core
    from ..layers.base import Layer
    from ..losses.base import Loss
    from ..models.model import Model

__all__ = ["Explanation", "LayerPass", "explain", "per_sample_gradients"]

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class LayerPass:
    """What went through one layer, forward and backward.

    With z = Σ x·W + b and a = f(z) the chain rule reads δ = f′(z)·∂L/∂a, ∂L/∂W = xᵀδ,
    ∂L/∂b = Σδ, ∂L/∂x = δWᵀ (Rumelhart, Hinton and Williams, 1986).

    Attributes
    ----------
    name, kind : str
        "dense_1" and "Dense".
    activation : str
        f; "linear" where the layer has none.
    x, a : ndarray
        The layer's input and output, samples first.
    z : ndarray
        What f was applied to; a itself where f is linear.
    slope : ndarray or None
        f′(z); None where f works on whole rows, as softmax does.
    da, dx : ndarray
        ∂L/∂a and ∂L/∂x.
    delta : ndarray
        δ = ∂L/∂z.
    parameters : dict of str to ndarray
        Copies of the layer's parameters, such as "kernel".
    gradients : dict of str to ndarray
        ∂L/∂ of each that is not frozen, sums over the samples, and ∂R/∂ of those that a regularizer
        watches.
    penalties : dict of str to ndarray
        That ∂R/∂ alone.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> model = md.Model([md.layers.Dense(1, "tanh", kernel_initializer="ones")], seed=0)
    >>> first = model.explain(np.ones((1, 2)), [[0.0]], loss="mse")[0]
    >>> first.z, first.name, first.activation
    (array([[2.]], dtype=float32), 'dense', 'tanh')
    """

    name: str
    kind: str
    activation: str
    x: Array
    z: Array
    a: Array
    slope: Array | None
    da: Array
    delta: Array
    dx: Array
    parameters: dict[str, Array]
    gradients: dict[str, Array]
    penalties: dict[str, Array]

    @property
    def dW(self) -> Array | None:
        """∂L/∂W of the kernel; None without one that learns."""
        return self.gradients.get("kernel")

    @property
    def db(self) -> Array | None:
        """∂L/∂b of the bias; None without one that learns."""
        return self.gradients.get("bias")

    def __repr__(self) -> str:
        return f"<LayerPass of {self.name}: {self.x.shape} → {self.a.shape}>"


@dataclass(frozen=True, eq=False)
class Explanation(Sequence[LayerPass]):
    """Every number of one pass forward and backward; printed, a calculation as in course notes.

    A sequence of `LayerPass`, by number or by layer's name.

    Attributes
    ----------
    x, y : ndarray
        The samples and their targets.
    y_pred : ndarray
        The model's outputs.
    loss : float
        L, without `penalty`.
    penalty : float
        R, what regularizers add to the loss.
    loss_name : str
    layers : tuple of LayerPass
    values : Views
        What the program made on the way, by name, samples first: of each layer, those within others
        too, its output ("residual/dense/a") and ∂L/∂ of it ("residual/dense/da"), and where there
        is an activation "z", "slope" f′(z) and "delta" ∂L/∂z. Behind a recurrent layer's name,
        "delta" is ∂L/∂z of the gates at each step.

    Examples
    --------
    >>> import mundur as md, numpy as np
    >>> layer = md.layers.Dense(1, kernel_initializer="ones")
    >>> model = md.Model([layer], input_shape=(2,), seed=0)
    >>> explanation = model.explain([[1.0, 2.0]], [[4.0]], loss="mse")
    >>> explanation["dense"].delta, explanation.gradients["dense/kernel"].ravel()
    (array([[-2.]], dtype=float32), array([-2., -4.], dtype=float32))
    >>> print(explanation)
    Forward    z = Σ x·w + b,  a = f(z)
      x = 1, 2
      dense: Dense, 2 → 1
        a1 = 1·1 + 2·1 + 0 = 3
    <BLANKLINE>
    Loss    L = MeanSquaredError(y, a) = 1
      y = 4
      ∂L/∂a1 = -2
    <BLANKLINE>
    Backward    δ = ∂L/∂z = f′(z)·∂L/∂a,  ∂L/∂w = x·δ,  ∂L/∂b = δ,  ∂L/∂x = Σ w·δ
      dense
        δ1 = ∂L/∂a1 = -2
        ∂L/∂w11 = x1·δ1 = 1·-2 = -2
        ∂L/∂w21 = x2·δ1 = 2·-2 = -4
        ∂L/∂b1 = δ1 = -2
    """

    x: Array
    y: Array
    y_pred: Array
    loss: float
    penalty: float
    loss_name: str
    layers: tuple[LayerPass, ...]
    values: Views

    @property
    def gradients(self) -> dict[str, Array]:
        """∂(L + R)/∂parameter by "layer/parameter", as in `model.gradients` after `backward`."""
        return {f"{p.name}/{name}": g for p in self.layers for name, g in p.gradients.items()}

    @property
    def gradient_norms(self) -> dict[str, float]:
        """‖∂L/∂(weights of the layer)‖, over all its parameters, by the layer's name."""
        by_layer = {p.name: list(p.gradients.values()) for p in self.layers if p.gradients}
        return {
            name: float(np.sqrt(sum(np.sum(g.astype(np.float64) ** 2) for g in gradients)))
            for name, gradients in by_layer.items()
        }

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[LayerPass]:
        return iter(self.layers)

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return self.layers[key]
        by_name = {p.name: p for p in self.layers}
        if key not in by_name:
            raise KeyError(
                f"no layer {key!r}{suggestion(key, by_name)} (known: {', '.join(by_name)})"
            )
        return by_name[key]

    def table(self, sample: int = 0, digits: int | None = None) -> str:
        """The calculation as text.

        Parameters
        ----------
        sample : int, default 0
            Whose z, a and δ are shown; gradients are the whole batch's.
        digits : int, optional
            Significant ones; by default 9 for float64, 6 for float32.

        Raises
        ------
        IndexError
            For a sample that is not in the batch.
        """
        from .calculation import calculation

        return calculation(self, sample, digits)

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        count = f"{len(self.x)} sample{'' if len(self.x) == 1 else 's'}"
        names = ", ".join(p.name for p in self.layers)
        return f"<Explanation of {count} through {names}; {self.loss_name} {self.loss:.6g}>"


def explain(model: Model, x: Any, y: Any, loss: Any = None) -> Explanation:
    """See `Model.explain`."""
    x, loss = checked(model, x, loss)
    x = _inputs(model, x)
    with watching(model) as native:
        y_pred = native.forward(x, False, watched=True)
        value = loss_value(loss, y, y_pred)
        dx = native.backward(_gradient(loss, y, y_pred), watched=True)
        penalty = native.penalty(watched=True)
        values = Views(native.watched_values(), "value")
        gradients = {name: model._gradients[name].copy() for name in model.trainable_parameters}
    passes: list[LayerPass] = []
    before = x, dx
    for layer in model.layers:
        passes.append(_layer_pass(layer, *before, values, gradients))
        before = passes[-1].a, passes[-1].da
    loss_name = type(loss).__name__
    return Explanation(x, np.asarray(y), y_pred, value, penalty, loss_name, tuple(passes), values)


def _layer_pass(
    layer: Layer, x: Array, dx: Array, values: Views, gradients: dict[str, Array]
) -> LayerPass:
    a, da = values[f"{layer.name}/a"], values[f"{layer.name}/da"]
    has_z = f"{layer.name}/z" in values
    # Where the next step sees what f made there is no z.
    activation = (has_z and getattr(layer, "activation", None)) or "linear"
    slope = np.ones_like(a) if activation == "linear" else values.get(f"{layer.name}/slope")
    views = layer._views()
    parameters = {name: views[name].copy() for name in layer.parameter_initializers}
    learning = [name for name in parameters if layer.is_trainable(name)]
    penalties = {}
    for name, regularizer in layer.parameter_regularizers.items():
        if regularizer is not None and name in learning:
            l1, l2 = regularizer.penalty()
            penalties[name] = l1 * np.sign(parameters[name]) + 2 * l2 * parameters[name]
    return LayerPass(
        name=layer.name,
        kind=type(layer).__name__,
        activation=str(getattr(activation, "name", activation)),
        x=x,
        z=values[f"{layer.name}/z"] if has_z else a,
        a=a,
        slope=slope,
        da=da,
        delta=values[f"{layer.name}/delta"] if has_z else da,
        dx=dx,
        parameters=parameters,
        gradients={name: gradients[f"{layer.name}/{name}"] for name in learning},
        penalties=penalties,
    )


@contextmanager
def watching(model: Model) -> Iterator[_core.Network]:
    """The network, whose watched calls by hand leave the model as it was."""
    native = model.native
    gradients = native.flat_gradients.copy()
    try:
        yield native
    finally:
        native.flat_gradients[...] = gradients
        native.forget_watch()


def _inputs(model: Model, x: Array) -> Array:
    return x if model.vocabulary else np.asarray(x, model.dtype)


def _gradient(loss: Loss, y: Any, y_pred: Array) -> Array:
    """∂L/∂y_pred as the core takes it."""
    gradient = np.ascontiguousarray(loss.gradient(y, y_pred), y_pred.dtype)
    return gradient.reshape(y_pred.shape)


def activations(model: Model, x: Any) -> dict[str, tuple[Array, Array]]:
    """What goes into each layer of a built model, and what comes out, by its name."""
    x = _inputs(model, arrays.features(x, model.input_shape))
    with watching(model) as native:
        native.forward(x, False, watched=True)
        values = native.watched_values()
    names = [layer.name for layer in model.layers]
    outputs = [x, *(values[f"{name}/a"] for name in names)]
    return dict(zip(names, pairwise(outputs), strict=True))


def per_sample_gradients(model: Model, x: Any, y: Any, loss: Any = None) -> dict[str, Array]:
    """See `Model.per_sample_gradients`."""
    x, loss = checked(model, x, loss)
    y = arrays.real_array(y, "y")
    loss(y, model.predict(x, "full", verbose=0))  # tells of unsuitable targets as a whole
    result = {
        name: np.empty((len(x), *model._gradients[name].shape), model.dtype)
        for name in model.trainable_parameters
    }
    with watching(model) as native:
        for n in range(len(x)):
            one = slice(n, n + 1)
            y_pred = native.forward(x[one], False, watched=True)
            native.backward(_gradient(loss, y[one], y_pred), watched=True)
            for name, gradients in result.items():
                gradients[n] = model._gradients[name]
    return result


def checked(model: Model, x: Any, loss: Any) -> tuple[Array, Loss]:
    """Features that suit the model, which is built for them if it was not, and the loss."""
    from .. import losses

    x = arrays.features(x, model.input_shape)
    arrays.check_values(x, model.vocabulary, "x")
    chosen = model.loss if loss is None else losses.get(loss)
    if chosen is None:
        raise ValueError("loss must be given where compile named none; got None")
    if not model.built:
        model.build(x.shape[1:])
    if isinstance(chosen, NativeLoss):
        check_head(chosen, model.native.head, model.output_shape)
    return x, chosen


def loss_value(loss: Loss, y: Any, y_pred: Array) -> float:
    """The loss as a number; a ValueError where it is none, so that nothing has a gradient."""
    value: Any = loss(y, y_pred)
    if np.ndim(value):
        raise ValueError(f"loss must give one number; {loss!r} gives shape {np.shape(value)}")
    return float(value)


def float64_copy(model: Model) -> Model:
    """A model of its own with the same layers and numbers, in float64."""
    from ..models.model import Model

    layers = []
    for layer in model.layers:
        first = {name: "zeros" for name in layer.get_config() if name.endswith("_initializer")}
        layers.append(copied(layer, name=layer.name, input_shape=None, **first))
    chain = Model(layers, seed=model.seed, dtype="float64", input_shape=model.native.input_shape)
    chain.set_weights(model.get_weights())
    return chain
