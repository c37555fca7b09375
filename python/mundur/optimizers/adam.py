"""Adam and its relatives."""

from __future__ import annotations

from .._support.checks import SMALLEST, boolean
from .._support.names import checked_keywords
from .._support.unpack import Unpack
from ..schedules.base import Rate
from .base import KERAS, ArgumentsButDecay, BuiltIn, OptimizerArguments
from .options import option


class _Betas(BuiltIn):
    """The numbers of Adam and its relatives."""

    beta_1: float = option(
        "beta_1", "Decay of the mean of gradients, in [0, 1).", at_least=0, below=1
    )
    beta_2: float = option(
        "beta_2", "Decay of the mean of squares, in [0, 1).", at_least=0, below=1
    )
    epsilon: float = option("epsilon", "ε, above 0.", at_least=SMALLEST)


class Adam(_Betas):
    """Steps of about η whatever the gradient's size, from running means of it and of its square.

    The usual first choice: it needs little tuning, and takes twice the parameters' memory.

    m ← β₁m + (1-β₁)g; v ← β₂v + (1-β₂)g²; w ← w - η m̂ / (√v̂ + ε), where m̂ = m / (1-β₁ᵗ) and
    v̂ = v / (1-β₂ᵗ).
    Kingma and Ba (2015), Algorithm 1. ε is 1e-8 as there and in PyTorch; Keras has 1e-7.
    AMSGrad (Reddi, Kale and Kumar, 2018) puts the greatest v so far in place of v.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.001
        η, finite and >= 0.
    beta_1, beta_2 : float, default 0.9 and 0.999
        In [0, 1).
    epsilon : float, default 1e-8
        ε > 0.
    amsgrad : bool, default False
    **others
        `weight_decay` and all that follows: see `Optimizer`.

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

    _rule = "Adam"

    @checked_keywords(ignored=KERAS, rest=BuiltIn)
    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        amsgrad: bool = False,
        **others: Unpack[OptimizerArguments],
    ) -> None:
        super().__init__(learning_rate, **others)
        self._put(locals())

    amsgrad: bool = option(
        "amsgrad", "Whether the greatest v so far is what counts.", boolean, is_fixed=True
    )


class AdamW(Adam):
    """Adam with decay of the weights that is no part of the gradient.

    w ← w - η λ w before `Adam`'s step. Loshchilov and Hutter (2019); λ is 0.004 as in Keras,
    PyTorch has 0.01. Biases decay too, as in both.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.001
        η, finite and >= 0.
    weight_decay : float, default 0.004
        λ >= 0.
    beta_1, beta_2 : float, default 0.9 and 0.999
        In [0, 1).
    epsilon : float, default 1e-8
        ε > 0.
    amsgrad : bool, default False
    **others
        `weight_decay` and all that follows: see `Optimizer`.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, naming it.

    Examples
    --------
    >>> import mundur as md
    >>> md.optimizers.AdamW(1e-2, weight_decay=0.01)
    AdamW(learning_rate=0.01, weight_decay=0.01)
    """

    _rule = "Adam"

    @checked_keywords(ignored=KERAS, rest=BuiltIn)
    def __init__(
        self,
        learning_rate: Rate = 0.001,
        weight_decay: float | None = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        amsgrad: bool = False,
        **others: Unpack[ArgumentsButDecay],
    ) -> None:
        super().__init__(learning_rate, **others)
        self._put(locals())


class _Moments(_Betas):
    """Relatives that take those numbers only."""

    @checked_keywords(ignored=KERAS, rest=BuiltIn)
    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        **others: Unpack[OptimizerArguments],
    ) -> None:
        super().__init__(learning_rate, **others)
        self._put(locals())


class Nadam(_Moments):
    """Adam that looks ahead by the momentum, as Nesterov's does.

    m and v as in `Adam`; μₜ = β₁(1 - ½ 0.96^(0.004 t)), Πₜ = μ₁...μₜ;
    w ← w - η (μₜ₊₁ m / (1 - Πₜ₊₁) + (1 - μₜ) g / (1 - Πₜ)) / (√v̂ + ε).
    Dozat (2016). μ grows as slowly as there and in PyTorch; Keras has 0.96^t, and ε 1e-7.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.001
        η, finite and >= 0.
    beta_1, beta_2 : float, default 0.9 and 0.999
        In [0, 1).
    epsilon : float, default 1e-8
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
    >>> md.optimizers.Nadam(2e-3)
    Nadam(learning_rate=0.002)
    """

    _rule = "Nadam"


class Adamax(_Moments):
    """Adam with the greatest gradient of late in place of the mean of squares.

    m ← β₁m + (1-β₁)g; u ← max(β₂u, |g| + ε); w ← w - η m / ((1-β₁ᵗ) u).
    Kingma and Ba (2015), section 7.1. ε stands inside of the maximum, as in PyTorch; Keras divides
    by u + ε, with 1e-7 for it.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.001
        η, finite and >= 0.
    beta_1, beta_2 : float, default 0.9 and 0.999
        In [0, 1).
    epsilon : float, default 1e-8
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
    >>> md.optimizers.Adamax(2e-3)
    Adamax(learning_rate=0.002)
    """

    _rule = "Adamax"
