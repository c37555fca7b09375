"""The networks of the self-test, and what they learn from.

The data are made by integer arithmetic: neither libm nor NumPy's generators have a part in them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import layers, losses, optimizers, schedules
from ..constraints import MaxNorm, MinMaxNorm
from ..initializers.basic import Constant, RandomNormal, RandomUniform
from ..layers.base import Layer
from ..losses.base import Loss
from ..optimizers.base import Optimizer
from ..regularizers import L1, L2
from .case import Case
from .images import IMAGES
from .sequences import SEQUENCES

Array = npt.NDArray[Any]


def _two_layers(outputs: int, head: str) -> list[Layer]:
    return [layers.Dense(9, "tanh"), layers.Dense(outputs, head)]


def _merged(x: Any, chain: list[Any]) -> Any:
    """Two layers and what becomes of both, in each of the ways that there are."""
    first, second, head, *merging = chain
    a, b = first(x), second(x)
    parts = [layer([a, b]) for layer in merging[:-1]]
    return head(merging[-1]([*parts, first(b)]))


# Losses that no larger network has.
_LOSSES: tuple[tuple[str, int, str, Callable[[], Loss], str], ...] = (
    ("absolute errors", 3, "linear", losses.MeanAbsoluteError, "numbers"),
    ("percentages", 3, "linear", losses.MeanAbsolutePercentageError, "numbers"),
    ("logarithms", 3, "linear", losses.MeanSquaredLogarithmicError, "counts"),
    ("huber", 17, "linear", partial(losses.Huber, 0.25), "numbers"),
    ("log cosh", 3, "linear", losses.LogCosh, "numbers"),
    ("counts", 3, "relu", losses.Poisson, "counts"),
    ("divergence", 18, "softmax", losses.KLDivergence, "rows"),
    ("hinge", 3, "linear", losses.Hinge, "bits"),
    ("squared hinge", 1, "linear", losses.SquaredHinge, "bits"),
    ("angles", 17, "linear", losses.CosineSimilarity, "numbers"),
    ("best of several", 5, "linear", losses.CategoricalHinge, "rows"),
    ("overlap", 3, "sigmoid", losses.Dice, "bits"),
    ("uneven overlap", 3, "sigmoid", partial(losses.Tversky, 0.3, 0.8), "bits"),
    ("pairs", 4, "tanh", partial(losses.Circle, 2.0), "labels"),
    ("focal bits", 3, "sigmoid", losses.BinaryFocalCrossentropy, "bits"),
    (
        "focal logits",
        3,
        "linear",
        partial(losses.BinaryFocalCrossentropy, True, 0.3, 1.5, True),
        "bits",
    ),
    ("focal rows", 5, "softmax", losses.CategoricalFocalCrossentropy, "rows"),
    (
        "focal row logits",
        18,
        "linear",
        partial(losses.CategoricalFocalCrossentropy, 0.5, 1.5, True, 0.1),
        "rows",
    ),
    ("smoothed bits", 3, "linear", partial(losses.BinaryCrossentropy, True, 0.1), "bits"),
    ("smoothed rows", 5, "softmax", partial(losses.CategoricalCrossentropy, False, 0.1), "rows"),
)

# The rules that no other network has; around them, what any rule may have.
_RULES: dict[str, Callable[[], Optimizer]] = {
    "rmsprop": lambda: optimizers.RMSprop(0.002, momentum=0.5, centered=True, clipnorm=0.1),
    "adamw": lambda: optimizers.AdamW(
        schedules.CosineDecay(0.001, 12, warmup_target=0.01, warmup_steps=5),
        amsgrad=True,
        global_clipnorm=0.2,
    ),
    "nadam": lambda: optimizers.Nadam(
        schedules.ExponentialDecay(0.01, 10, 0.9), gradient_accumulation_steps=3
    ),
    "adamax": lambda: optimizers.Adamax(0.01, weight_decay=0.01, clipvalue=0.02),
    "adagrad": lambda: optimizers.Adagrad(0.1, use_ema=True, ema_overwrite_frequency=4),
    "adadelta": lambda: optimizers.Adadelta(1.0),
    "lion": lambda: optimizers.Lion(0.001),
    "ftrl": lambda: optimizers.Ftrl(0.1, -0.4, l1_regularization_strength=0.01),
    "adafactor": lambda: optimizers.Adafactor(0.05, weight_decay=0.01),
}


CASES = (
    Case(
        "images",
        (6, 5),
        lambda: [
            layers.Rescaling(1 / 255, -0.5),
            layers.Flatten(),
            layers.Dense(48, "relu", kernel_initializer="he_normal"),
            layers.Dropout(0.25),
            layers.Dense(10),
        ],
        lambda: losses.SparseCategoricalCrossentropy(from_logits=True),
        lambda: optimizers.Adam(0.01),
        "labels",
        samples=90,
        batch=32,
        weighted=True,
        images=True,
    ),
    Case(
        "regressor",
        (16,),
        lambda: [
            layers.Dense(64, "tanh", bias_initializer="ones"),
            layers.Dense(64, "tanh", kernel_initializer="glorot_normal"),
            layers.Dense(1, bias_initializer=Constant(0.25)),
        ],
        lambda: losses.MeanSquaredError(),
        lambda: optimizers.SGD(0.05, momentum=0.9),
        "numbers",
        samples=70,
        batch=16,
    ),
    Case(
        "yes or no",
        (33,),
        lambda: [
            layers.Dense(40, "sigmoid", kernel_initializer="he_uniform"),
            layers.Activation("tanh"),
            layers.Dense(1, "sigmoid"),
        ],
        lambda: losses.BinaryCrossentropy(),
        lambda: optimizers.SGD(0.1, momentum=0.8, nesterov=True),
        "bits",
        samples=50,
        batch=16,
        weighted=True,
    ),
    Case(
        "several of four",
        (9,),
        lambda: [
            layers.Dense(17, kernel_initializer=RandomNormal(0.0, 0.3)),
            layers.Activation("relu"),
            layers.Dense(4, use_bias=False),
        ],
        lambda: losses.BinaryCrossentropy(from_logits=True),
        lambda: optimizers.Adam(0.02, beta_1=0.8, beta_2=0.99, epsilon=1e-6),
        "bits",
        samples=40,
        batch=7,
    ),
    Case(
        "softmax",
        (12,),
        lambda: [
            layers.Dense(20, "softmax", kernel_initializer=RandomUniform(-0.5, 0.5)),
            layers.Activation("sigmoid"),
            layers.Dense(5, "softmax"),
        ],
        lambda: losses.CategoricalCrossentropy(),
        lambda: optimizers.SGD(0.5),
        "rows",
        samples=40,
        batch=9,
    ),
    Case(
        "logits",
        (7,),
        lambda: [
            layers.Dense(31, "relu"),
            layers.Activation("softmax"),
            layers.Activation("linear"),
            layers.Dense(18, bias_initializer="zeros"),
        ],
        lambda: losses.CategoricalCrossentropy(from_logits=True),
        lambda: optimizers.Adam(),
        "rows",
        samples=40,
        batch=40,
    ),
    *(
        Case(
            name,
            (5,),
            partial(_two_layers, outputs, head),
            loss,
            lambda: optimizers.SGD(0.1),
            targets,
            samples=30,
            batch=10,
            weighted=True,
        )
        for name, outputs, head, loss, targets in _LOSSES
    ),
    Case(
        "curves",
        (13,),
        lambda: [
            layers.Dense(19, "gelu"),
            layers.Dense(18, "silu"),
            layers.Dense(17, "mish"),
            layers.Dense(18, "selu"),
            layers.Dense(19, "softplus"),
            layers.Activation("gelu_tanh"),
            layers.Dense(17, "elu"),
            layers.Activation("softsign"),
            layers.Activation("leaky_relu"),
            layers.Activation("hard_silu"),
            layers.Dense(16),
            layers.Activation("hard_sigmoid"),
            layers.Activation("exponential"),
            layers.Activation("relu6"),
            layers.ReLU(2.5, 0.25, 0.5),
            layers.LeakyReLU(),
            layers.ELU(0.5),
            layers.Dense(9, "log_softmax"),
            layers.Softmax(),
        ],
        lambda: losses.CategoricalCrossentropy(),
        lambda: optimizers.SGD(0.1),
        "rows",
        samples=40,
        batch=9,
    ),
    Case(
        "penalties",
        (13,),
        lambda: [
            layers.Dense(
                20,
                "relu",
                kernel_initializer="orthogonal",
                kernel_regularizer="l1_l2",
                bias_regularizer=L2(0.1),
                kernel_constraint=MaxNorm(1.0),
            ),
            layers.ActivityRegularization(0.01, 0.02),
            layers.Dense(
                33,
                "tanh",
                kernel_initializer="lecun_normal",
                bias_initializer="truncated_normal",
                activity_regularizer="l1",
                kernel_constraint="non_neg",
            ),
            layers.Dense(
                16,
                kernel_initializer="lecun_uniform",
                bias_initializer="variance_scaling",
                kernel_regularizer=L1(0.003),
                kernel_constraint=MinMaxNorm(0.5, 0.9, rate=0.5, axis=1),
            ),
            layers.Dense(3, kernel_initializer="identity", kernel_constraint="unit_norm"),
        ],
        lambda: losses.MeanSquaredError(),
        lambda: optimizers.Adam(0.01),
        "numbers",
        samples=40,
        batch=11,
    ),
    # Large enough for a team of threads, and for sums over two shards of samples.
    Case(
        "team",
        (70,),
        lambda: [
            layers.Dense(150, "relu"),
            layers.Dropout(0.2),
            layers.Dense(97, "tanh"),
            layers.Dense(7, "softmax"),
        ],
        lambda: losses.SparseCategoricalCrossentropy(),
        lambda: optimizers.Adam(0.003),
        "labels",
        samples=340,
        batch=290,
    ),
    Case(
        "normalised",
        (19,),
        lambda: [
            layers.BatchNormalization(momentum=0.9),
            layers.Dense(33, "relu"),
            layers.LayerNormalization(),
            layers.Dense(24, "tanh"),
            layers.BatchNormalization(momentum=0.8, center=False),
            layers.Dense(3),
        ],
        lambda: losses.MeanSquaredError(),
        lambda: optimizers.Adam(0.01),
        "numbers",
        samples=300,
        batch=270,
    ),
    Case(
        "noisy",
        (21,),
        lambda: [
            layers.GaussianNoise(0.125),
            layers.Dense(40, "tanh"),
            layers.AlphaDropout(0.2),
            layers.Dense(30, "relu"),
            layers.GaussianDropout(0.3),
            layers.Dense(6),
        ],
        lambda: losses.SparseCategoricalCrossentropy(from_logits=True),
        lambda: optimizers.Adam(0.01),
        "labels",
        samples=60,
        batch=25,
    ),
    Case(
        "residual",
        (18,),
        lambda: [
            layers.Residual([layers.Dense(30, "relu"), layers.Dropout(0.2), layers.Dense(18)]),
            layers.Residual([layers.BatchNormalization(), layers.Residual([layers.Dense(18)])]),
            layers.Dense(4),
        ],
        lambda: losses.MeanSquaredError(),
        lambda: optimizers.Adam(0.01),
        "numbers",
        samples=60,
        batch=25,
    ),
    *(
        Case(
            name,
            (11,),
            lambda: [layers.Dense(21, "tanh"), layers.Dense(3)],
            lambda: losses.MeanSquaredError(),
            optimizer,
            "numbers",
            samples=45,
            batch=8,
        )
        for name, optimizer in _RULES.items()
    ),
    Case(
        "graph",
        (18,),
        lambda: [
            layers.Dense(18, "tanh"),
            layers.Dense(18, "relu"),
            layers.Dense(4),
            *(layers.Add(), layers.Subtract(), layers.Multiply(), layers.Average()),
            *(layers.Maximum(), layers.Minimum(), layers.Dot(1), layers.Concatenate()),
        ],
        lambda: losses.MeanSquaredError(),
        lambda: optimizers.Adam(0.01),
        "numbers",
        samples=60,
        batch=25,
        connect=_merged,
    ),
    *SEQUENCES,
    *IMAGES,
)


# ---- data, from integers alone -------------------------------------------------------------------


def words(n: int, seed: int) -> npt.NDArray[np.uint64]:
    """SplitMix64 (Steele, Lea and Flood, 2014)."""
    z = np.arange(1, n + 1, dtype=np.uint64) + np.uint64(seed << 32)
    z *= np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def numbers(shape: tuple[int, ...], seed: int) -> npt.NDArray[np.float64]:
    """Multiples of 2^-11 in [-1, 1)."""
    high = words(int(np.prod(shape)), seed) >> np.uint64(52)
    return (high.astype(np.int64) - 2048).reshape(shape) / 2048


def below(n: int, count: int, seed: int) -> npt.NDArray[np.int64]:
    """`count` integers in [0, n)."""
    return ((words(count, seed) >> np.uint64(11)) % np.uint64(n)).astype(np.int64)


def data_of(case: Case, outputs: int) -> tuple[Array, Array, Array | None]:
    """Features, targets, and the samples' weights."""
    n = case.samples
    if case.images:
        size = int(np.prod(case.shape))
        x: Array = below(256, n * size, 1).astype(np.uint8).reshape(n, *case.shape)
    elif case.ids:
        x = below(case.ids, n * int(np.prod(case.shape)), 1).reshape(n, *case.shape)
    else:
        x = numbers((n, *case.shape), 1)
    y: Array
    if case.targets == "numbers":
        y = numbers((n, outputs), 2)
    elif case.targets == "counts":
        y = below(4, n * outputs, 2).reshape(n, outputs)
    elif case.targets == "bits":
        y = below(2, n * outputs, 2).reshape(n, outputs)
    else:
        y = below(outputs, n, 2)
        if case.targets == "rows":
            y = (y[:, None] == np.arange(outputs)).astype(np.float64)
    return x, y, below(9, n, 3) / 4 if case.weighted else None
