"""Optimizers with a step of its own for each parameter, from the sizes of its gradients."""

from __future__ import annotations

from .._support.checks import SMALLEST, boolean
from .._support.names import checked_keywords
from .._support.unpack import Unpack
from ..schedules.base import Rate
from .base import KERAS, BuiltIn, OptimizerArguments, option


class RMSprop(BuiltIn):
    """Divides the gradient by the root of a running mean of its square.

    v ← ρ v + (1-ρ) g²; w ← w - η g / (√v + ε). Centred, v - a² stands for v, where
    a ← ρ a + (1-ρ) g; with momentum b ← μ b + step, w ← w - η b.
    Hinton (2012), as PyTorch has it: ε outside of the root. Keras puts it inside and keeps η inside
    of b. ρ is 0.9 and ε 1e-7 as in Keras; PyTorch has 0.99 and 1e-8.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.001
        η, finite and >= 0.
    rho : float, default 0.9
        ρ in [0, 1).
    momentum : float, default 0.0
        μ in [0, 1].
    epsilon : float, default 1e-7
        ε > 0.
    centered : bool, default False
    **others
        `weight_decay` and all that follows: see `Optimizer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it.

    Examples
    --------
    >>> import mundur as md
    >>> md.optimizers.RMSprop(1e-2, momentum=0.9)
    RMSprop(learning_rate=0.01, momentum=0.9)
    """

    _rule = "RMSprop"

    @checked_keywords(ignored=KERAS, rest=BuiltIn)
    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **others: Unpack[OptimizerArguments],
    ) -> None:
        super().__init__(learning_rate, **others)
        self._put(locals())

    rho: float = option("rho", "Decay of the mean of squares, in [0, 1).", at_least=0, below=1)
    momentum: float = option("momentum", "μ, in [0, 1].", at_least=0, at_most=1)
    epsilon: float = option("epsilon", "ε, above 0.", at_least=SMALLEST)
    centered: bool = option("centered", "Whether the mean is taken off.", boolean, is_fixed=True)


class Adagrad(BuiltIn):
    """Steps that shrink where gradients have been large; for sparse features.

    v ← v + g²; w ← w - η g / (√v + ε).
    Duchi, Hazan and Singer (2011). ε stands outside of the root, as in PyTorch, which starts v
    at 0; 0.1 is Keras's start.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.001
        η, finite and >= 0.
    initial_accumulator_value : float, default 0.1
        v at first, >= 0.
    epsilon : float, default 1e-7
        ε > 0.
    **others
        `weight_decay` and all that follows: see `Optimizer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it.

    Examples
    --------
    >>> import mundur as md
    >>> md.optimizers.Adagrad(0.1)
    Adagrad(learning_rate=0.1)
    """

    _rule = "Adagrad"

    @checked_keywords(ignored=KERAS, rest=BuiltIn)
    def __init__(
        self,
        learning_rate: Rate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **others: Unpack[OptimizerArguments],
    ) -> None:
        super().__init__(learning_rate, **others)
        self._put(locals())

    epsilon: float = option("epsilon", "ε, above 0.", at_least=SMALLEST)
    initial_accumulator_value: float = option(
        "initial_accumulator_value", "v at first.", is_fixed=True, at_least=0
    )


class Adadelta(BuiltIn):
    """Steps as long as the steps of late, against gradients of late.

    v ← ρ v + (1-ρ) g²; s = √(d + ε) / √(v + ε) g; d ← ρ d + (1-ρ) s²; w ← w - η s.
    Zeiler (2012), where η is 1; 0.001 is Keras's.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.001
        η, finite and >= 0.
    rho : float, default 0.95
        ρ in [0, 1).
    epsilon : float, default 1e-7
        ε > 0, under both roots.
    **others
        `weight_decay` and all that follows: see `Optimizer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it.

    Examples
    --------
    >>> import mundur as md
    >>> md.optimizers.Adadelta(1.0)
    Adadelta(learning_rate=1.0)
    """

    _rule = "Adadelta"

    @checked_keywords(ignored=KERAS, rest=BuiltIn)
    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **others: Unpack[OptimizerArguments],
    ) -> None:
        super().__init__(learning_rate, **others)
        self._put(locals())

    rho: float = option("rho", "Decay of the mean of squares, in [0, 1).", at_least=0, below=1)
    epsilon: float = option("epsilon", "ε, above 0.", at_least=SMALLEST)


class Lion(BuiltIn):
    """Steps of exactly η, along the sign of a running mean of gradients.

    w ← w - η sign(β₁m + (1-β₁)g); m ← β₂m + (1-β₂)g.
    Chen et al. (2023), who advise a third to a tenth of Adam's η and as much more decay.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.001
        η, finite and >= 0.
    beta_1, beta_2 : float, default 0.9 and 0.99
        In [0, 1).
    **others
        `weight_decay` and all that follows: see `Optimizer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it.

    Examples
    --------
    >>> import mundur as md
    >>> md.optimizers.Lion(1e-4, weight_decay=0.1)
    Lion(learning_rate=0.0001, weight_decay=0.1)
    """

    _rule = "Lion"

    @checked_keywords(ignored=KERAS, rest=BuiltIn)
    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **others: Unpack[OptimizerArguments],
    ) -> None:
        super().__init__(learning_rate, **others)
        self._put(locals())

    beta_1: float = option("beta_1", "Share of the mean in a step.", at_least=0, below=1)
    beta_2: float = option("beta_2", "Decay of the mean, in [0, 1).", at_least=0, below=1)
