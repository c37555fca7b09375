"""Optimizers with a step of its own for each parameter, from the sizes of its gradients."""

from __future__ import annotations

from .._support.checks import SMALLEST, boolean
from .._support.names import checked_keywords
from .._support.unpack import Unpack
from ..schedules.base import Rate
from .base import KERAS, BuiltIn, OptimizerArguments
from .options import option


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


class Ftrl(BuiltIn):
    """Follows the regularised leader: weights are a function of all gradients so far, and may be 0.

    n′ = n + g²; z ← z + g + 2 λₛ w - (n′ᵖ - nᵖ)/η · w; n ← n′;
    w ← (min(max(z, -λ₁), λ₁) - z) / ((nᵖ + β)/η + 2 λ₂), with p = -learning_rate_power.
    McMahan et al. (2013), as Keras has it: with λ₁ > 0 a weight is exactly 0 while |z| <= λ₁, for
    linear models of many sparse features. A first weight counts for little, as it is no gradient's.
    With η = 0 nothing changes.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.001
        η, finite and >= 0.
    learning_rate_power : float, default -0.5
        -p, at most 0: how fast steps shrink where gradients have been large.
    initial_accumulator_value : float, default 0.1
        n at first, >= 0.
    l1_regularization_strength, l2_regularization_strength : float, default 0.0
        λ₁ and λ₂, >= 0.
    l2_shrinkage_regularization_strength : float, default 0.0
        λₛ >= 0: a penalty of the weights that enters with the gradient, but not n.
    beta : float, default 0.0
        β >= 0.
    **others
        `weight_decay` and all that follows: see `Optimizer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it.

    Examples
    --------
    >>> import mundur as md
    >>> md.optimizers.Ftrl(0.1, l1_regularization_strength=0.01)
    Ftrl(learning_rate=0.1, l1_regularization_strength=0.01)
    """

    _rule = "Ftrl"

    @checked_keywords(ignored=KERAS, rest=BuiltIn)
    def __init__(
        self,
        learning_rate: Rate = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **others: Unpack[OptimizerArguments],
    ) -> None:
        super().__init__(learning_rate, **others)
        self._put(locals())

    learning_rate_power: float = option("learning_rate_power", "-p, at most 0.", at_most=0)
    initial_accumulator_value: float = option(
        "initial_accumulator_value", "n at first.", is_fixed=True, at_least=0
    )
    l1_regularization_strength: float = option(
        "l1_regularization_strength", "λ₁, at least 0.", at_least=0
    )
    l2_regularization_strength: float = option(
        "l2_regularization_strength", "λ₂, at least 0.", at_least=0
    )
    l2_shrinkage_regularization_strength: float = option(
        "l2_shrinkage_regularization_strength", "λₛ, at least 0.", at_least=0
    )
    beta: float = option("beta", "β, at least 0.", at_least=0)


class Adafactor(BuiltIn):
    """As Adam without momentum, but of a matrix's squares it keeps the means of rows and columns.

    βₜ = 1 - tᵈ, ρ = min(η, 1/√t), s = g² + ε₁. Of a vector v ← βₜ v + (1-βₜ) s; of a matrix, that
    of a parameter's last two axes, a ← βₜ a + (1-βₜ) mean of s over columns, b ← βₜ b + (1-βₜ) mean
    of s over rows, v_ij = a_i b_j / mean(a). u = g / √v;
    w ← w - ρ max(ε₂, rms(w)) u / max(1, rms(u)/c), rms(x) = √(Σ x² / n) over the whole parameter.
    Shazeer and Stern (2018), as Keras has it. Its state takes half of Adam's memory here: a and b
    lie in a vector as large as the parameters.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.001
        η, finite and >= 0; relative to the size of the weights.
    beta_2_decay : float, default -0.8
        d, at most 0.
    epsilon_1 : float, default 1e-30
        ε₁ > 0.
    epsilon_2 : float, default 0.001
        ε₂ >= 0: what a parameter near 0 counts as.
    clip_threshold : float, default 1.0
        c > 0: how large a step may be by the measure of steps so far.
    relative_step : bool, default True
        Without effect, as in Keras, whose formula takes ρ = min(η, 1/√t) either way.
    **others
        `weight_decay` and all that follows: see `Optimizer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it.

    Examples
    --------
    >>> import mundur as md
    >>> md.optimizers.Adafactor(0.01)
    Adafactor(learning_rate=0.01)
    """

    _rule = "Adafactor"

    @checked_keywords(ignored=KERAS, rest=BuiltIn)
    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **others: Unpack[OptimizerArguments],
    ) -> None:
        super().__init__(learning_rate, **others)
        self._put(locals())

    beta_2_decay: float = option("beta_2_decay", "d, at most 0.", at_most=0)
    epsilon_1: float = option("epsilon_1", "ε₁, above 0.", at_least=SMALLEST)
    epsilon_2: float = option("epsilon_2", "ε₂, at least 0.", at_least=0)
    clip_threshold: float = option("clip_threshold", "c, above 0.", at_least=SMALLEST)
    relative_step: bool = option("relative_step", "Without effect.", boolean)
