"""Optimizers: one step against the gradient.

Each but Adafactor looks at one weight w and its gradient g at a time, with a few numbers of state
per weight; `update` is the whole rule. Formulas and initial states are PyTorch's, names are
Keras's. What all share, such as weight decay and clipping, is in `optimizer`.
"""

from .adam import Adam, Adamax, AdamW, Nadam
from .adaptive import Adadelta, Adafactor, Adagrad, Ftrl, Lion, RMSprop
from .base import Optimizer
from .sgd import SGD

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
]
