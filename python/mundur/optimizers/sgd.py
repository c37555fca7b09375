"""SGD, the plain rule, with momentum if wanted."""

from __future__ import annotations

from .._support.checks import boolean
from .._support.names import checked_keywords
from .._support.unpack import Unpack
from ..schedules.base import Rate
from .base import KERAS, BuiltIn, OptimizerArguments
from .options import option


class SGD(BuiltIn):
    """Gradient descent: each step goes against the gradient; the textbook's rule.

    A good first choice to understand a network, or with momentum and a tuned η to train one; where
    gradients differ much in size, `Adam` needs less tuning.

    w ← w - η g; with momentum v ← μ v + g, w ← w - η v; Nesterov's w ← w - η (g + μ v).
    Momentum as in PyTorch (Sutskever et al., 2013, with η outside of v). Keras keeps η inside of v,
    which is the same for a constant η.

    Parameters
    ----------
    learning_rate : float or schedule, default 0.01
        η, finite and >= 0.
    momentum : float, default 0.0
        μ in [0, 1].
    nesterov : bool, default False
    **others
        `weight_decay` and all that follows: see `Optimizer`.

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

    _rule = "SGD"

    @checked_keywords(ignored=KERAS, rest=BuiltIn)
    def __init__(
        self,
        learning_rate: Rate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **others: Unpack[OptimizerArguments],
    ) -> None:
        super().__init__(learning_rate, **others)
        self._put(locals())

    momentum: float = option("momentum", "μ, in [0, 1].", at_least=0, at_most=1)

    nesterov: bool = option(
        "nesterov", "Whether the gradient looks ahead by the momentum.", boolean
    )
