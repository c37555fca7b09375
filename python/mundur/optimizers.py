"""The optimizers: how a gradient changes the parameters.

w are the parameters, g = ∂L/∂w, η the learning rate. Formulas and first states are PyTorch's,
under Keras's argument names. Hyper-parameters may be set at any time, between batches too.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from . import _core
from .chain import Chain
from .configurable import Configurable
from .keywords import checked_keywords, lookup, unknown_attribute
from .validation import boolean, number

if TYPE_CHECKING:
    from .by_hand import ByHand

__all__ = ["SGD", "Adam", "Optimizer", "get"]

# Keras's arguments with one value here.
_KERAS: dict[str, Any] = {
    "weight_decay": None,
    "clipnorm": None,
    "clipvalue": None,
    "global_clipnorm": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
    "name": None,
}


class Optimizer(Configurable):
    """Base class of the optimizers: a learning rate, a count of steps, and `step`.

    Examples
    --------
    >>> import mundur as md
    >>> optimizer = md.optimizers.Adam(1e-3)
    >>> optimizer.learning_rate = 1e-4
    >>> isinstance(optimizer, md.Optimizer), optimizer.iterations
    (True, 0)
    """

    _native: _core.Optimizer
    _served: weakref.ref[ByHand] | None = None

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the state vectors that training takes, each as large as the parameters."""
        return ()

    @property
    def learning_rate(self) -> float:
        """η, finite and >= 0."""
        return self._native.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._native.learning_rate = number(value, "learning_rate", at_least=0)

    @property
    def iterations(self) -> int:
        """Steps done so far."""
        return self._native.iterations

    def step(self, model: ByHand) -> None:
        """Updates ``model.parameters`` in place from ``model.gradients``.

        Raises
        ------
        TypeError
            For what is no model.
        ValueError
            Where the optimizer holds the state of another model.

        Examples
        --------
        >>> import mundur as md, numpy as np
        >>> model = md.Model([md.layers.Dense(1, use_bias=False)], input_shape=(1,), seed=0)
        >>> model.parameters["dense/kernel"] = [[1.0]]
        >>> model.gradients["dense/kernel"] = [[0.5]]
        >>> md.optimizers.SGD(0.5).step(model)
        >>> model.parameters["dense/kernel"]
        array([[0.75]], dtype=float32)
        """
        if not isinstance(model, Chain):
            raise TypeError(f"step takes the model, as in step(model); got {type(model).__name__}")
        with model.lock:
            self.serve(model).step(model.native)

    def serve(self, model: ByHand) -> _core.Optimizer:
        """The native optimizer, for one model only: its state means nothing to another."""
        if self._served is not None and self._served() is not model and self.iterations > 0:
            raise ValueError(
                f"this optimizer holds the state of another model after {self.iterations} steps; "
                "make a new one for each model, or call reset()"
            )
        self._served = weakref.ref(model)
        return self._native

    def reset(self) -> None:
        """Forgets all state, the count of steps too; the hyper-parameters stay."""
        self._native.reset()
        self._served = None

    def __reduce__(self) -> Any:
        return _restore, (type(self), self.get_config(), self._native.state())


def _restore(cls: type[Optimizer], config: dict[str, Any], state: Any) -> Optimizer:
    optimizer = cls.from_config(config)
    if state[0] or optimizer._native.state()[1] != state[1]:
        optimizer._native.set_state(*state)
    return optimizer


class SGD(Optimizer):
    """Gradient descent: each step goes against the gradient; the textbook's rule.

    A good first choice to understand a network, or with momentum and a tuned η to train one; where
    gradients differ much in size, `Adam` needs less tuning.

    w ← w - η g; with momentum v ← μ v + g, w ← w - η v; Nesterov's w ← w - η (g + μ v).
    Momentum as in PyTorch (Sutskever et al., 2013, with η outside of v). Keras keeps η inside of v,
    which is the same for a constant η.

    Parameters
    ----------
    learning_rate : float, default 0.01
        η, finite and >= 0.
    momentum : float, default 0.0
        μ in [0, 1].
    nesterov : bool, default False

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it.

    Examples
    --------
    >>> import mundur as md
    >>> md.optimizers.SGD(0.1, momentum=0.9)
    SGD(learning_rate=0.1, momentum=0.9)
    """

    _native: _core.SGD

    @checked_keywords(ignored=_KERAS)
    def __init__(
        self, learning_rate: float = 0.01, momentum: float = 0.0, nesterov: bool = False
    ) -> None:
        self._native = _core.SGD(
            number(learning_rate, "learning_rate", at_least=0),
            number(momentum, "momentum", at_least=0, at_most=1),
            boolean(nesterov, "nesterov"),
        )

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the state vectors that training takes."""
        return ("velocity",) if self.momentum else ()

    @property
    def momentum(self) -> float:
        """μ, in [0, 1]."""
        return self._native.momentum

    @momentum.setter
    def momentum(self, value: float) -> None:
        self._native.momentum = number(value, "momentum", at_least=0, at_most=1)

    @property
    def nesterov(self) -> bool:
        """Whether the gradient looks ahead by the momentum."""
        return self._native.nesterov

    @nesterov.setter
    def nesterov(self, value: bool) -> None:
        self._native.nesterov = boolean(value, "nesterov")


class Adam(Optimizer):
    """Steps of about η whatever the gradient's size, from running means of it and of its square.

    The usual first choice: it needs little tuning, and takes twice the parameters' memory.

    m ← β₁m + (1-β₁)g; v ← β₂v + (1-β₂)g²; w ← w - η m̂ / (√v̂ + ε), where m̂ = m / (1-β₁ᵗ) and
    v̂ = v / (1-β₂ᵗ).
    Kingma and Ba (2015), Algorithm 1. ε is 1e-8 as there and in PyTorch; Keras has 1e-7.

    Parameters
    ----------
    learning_rate : float, default 0.001
        η, finite and >= 0.
    beta_1, beta_2 : float, default 0.9 and 0.999
        In [0, 1).
    epsilon : float, default 1e-8
        Above 0.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it.

    Examples
    --------
    >>> import mundur as md
    >>> md.optimizers.Adam(1e-2)
    Adam(learning_rate=0.01)
    """

    _native: _core.Adam

    @checked_keywords(ignored=_KERAS | {"amsgrad": False})
    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
    ) -> None:
        self._native = _core.Adam(
            number(learning_rate, "learning_rate", at_least=0),
            number(beta_1, "beta_1", at_least=0, below=1),
            number(beta_2, "beta_2", at_least=0, below=1),
            number(epsilon, "epsilon", above=0),
        )

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the state vectors that training takes."""
        return ("m", "v")

    @property
    def beta_1(self) -> float:
        """Decay of the mean of gradients, in [0, 1)."""
        return self._native.beta_1

    @beta_1.setter
    def beta_1(self, value: float) -> None:
        self._native.beta_1 = number(value, "beta_1", at_least=0, below=1)

    @property
    def beta_2(self) -> float:
        """Decay of the mean of squared gradients, in [0, 1)."""
        return self._native.beta_2

    @beta_2.setter
    def beta_2(self, value: float) -> None:
        self._native.beta_2 = number(value, "beta_2", at_least=0, below=1)

    @property
    def epsilon(self) -> float:
        """ε, above 0."""
        return self._native.epsilon

    @epsilon.setter
    def epsilon(self, value: float) -> None:
        self._native.epsilon = number(value, "epsilon", above=0)


KNOWN: dict[str, type[Optimizer]] = {"sgd": SGD, "adam": Adam}
CLASS_NAMES: dict[str, type[Optimizer]] = {cls.__name__: cls for cls in KNOWN.values()}


def get(identifier: Any) -> Optimizer:
    """The optimizer of a name ("adam", "sgd"), a class or an instance.

    Raises
    ------
    ValueError
        For an unknown name; it lists the known ones.
    TypeError
        For anything else.

    Examples
    --------
    >>> import mundur as md
    >>> md.optimizers.get("adam")
    Adam()
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Optimizer):
        return identifier()
    if identifier == "rmsprop":
        raise ValueError(
            "unknown optimizer 'rmsprop', Keras's default where compile is given none; pass "
            "optimizer='adam', 'sgd' or an instance such as md.optimizers.Adam(1e-3)"
        )
    if isinstance(identifier, str):
        return lookup(KNOWN, identifier, "optimizer", CLASS_NAMES)()
    raise TypeError(f"optimizer must be a name or an Optimizer; got {identifier!r}")


if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> object:
        raise unknown_attribute("mundur.optimizers", name, __all__)
