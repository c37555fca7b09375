"""One step of the same network in PyTorch, Keras, TensorFlow and JAX, beside the textbook and ours.

    python -m mundur.examples.beside_frameworks

The worked 2-2-2 example with its biases trained, in float64: forward, loss, backward, update, each
in the way that its framework is used. Prints E and w5 after the step as each has them. A framework
that is not installed is said to be so; the command fails if one differs from the textbook by more
than 1e-12 (Keras: 1e-7, for on PyTorch it takes the mean of a loss in float32).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

import mundur as md
from mundur import reference
from mundur.examples import command
from mundur.reference.worked_example import INPUTS, LEARNING_RATE, TARGETS, WEIGHTS

TOLERANCE, OF_KERAS = 1e-12, 1e-7
WORDS = {
    "textbook": "buku ajar",
    "w5 afterwards": "w5 sesudahnya",
    "difference": "selisih",
    "agrees": "cocok",
    "DIFFERS": "BERBEDA",
    r"(\w+ +)not installed (.*)": r"\1tidak terpasang \2",
}


class Step(NamedTuple):
    """E before the step, and the weights W, b, V, c after it."""

    loss: float
    weights: list[Any]


def by_textbook() -> Step:
    """`mundur.reference`."""
    sigmoid = [reference.layers.Dense(2, "sigmoid") for _ in range(2)]
    model = reference.Model(sigmoid, input_shape=(2,))
    model.set_parameters(WEIGHTS)
    model.compile(
        reference.optimizers.SGD(LEARNING_RATE),
        reference.losses.MeanSquaredError(),
    )
    loss = model.train_on_batch(INPUTS, TARGETS)
    return Step(loss, list(model.parameters.values()))


def by_mundur() -> Step:
    """The native code."""
    model = md.Model(
        [md.layers.Dense(2, "sigmoid"), md.layers.Dense(2, "sigmoid")],
        input_shape=(2,),
        dtype="float64",
        seed=0,
    )
    model.set_weights([np.array(w) for w in WEIGHTS.values()])
    loss = md.losses.MeanSquaredError()
    optimizer = md.optimizers.SGD(LEARNING_RATE)

    y = model.forward(INPUTS, training=True)
    model.backward(loss.gradient(TARGETS, y))
    optimizer.step(model)
    return Step(float(loss(TARGETS, y)), model.get_weights())


def by_pytorch() -> Step:
    """PyTorch: the loop is one's own, the gradients come from a recorded graph."""
    import torch

    x, t = torch.from_numpy(np.array(INPUTS)), torch.from_numpy(np.array(TARGETS))
    model = torch.nn.Sequential(
        torch.nn.Linear(2, 2), torch.nn.Sigmoid(), torch.nn.Linear(2, 2), torch.nn.Sigmoid()
    ).double()
    with torch.no_grad():
        for parameter, w in zip(model.parameters(), WEIGHTS.values(), strict=True):
            parameter.copy_(torch.from_numpy(np.array(w).T))  # PyTorch keeps (out, in)
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)

    loss = torch.nn.functional.mse_loss(model(x), t)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return Step(loss.item(), [parameter.detach().numpy().T for parameter in model.parameters()])


def by_keras() -> Step:
    """Keras, on TensorFlow, JAX or PyTorch, as KERAS_BACKEND says."""
    import keras

    keras.config.set_floatx("float64")
    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(2, "sigmoid"),
            keras.layers.Dense(2, "sigmoid"),
        ]
    )
    model.set_weights([np.array(w) for w in WEIGHTS.values()])
    model.compile(keras.optimizers.SGD(LEARNING_RATE), keras.losses.MeanSquaredError())

    loss = model.train_on_batch(np.array(INPUTS), np.array(TARGETS))
    return Step(float(loss), model.get_weights())


def by_tensorflow() -> Step:
    """TensorFlow alone: a tape records what is computed while it runs."""
    import tensorflow as tf

    x, t = tf.constant(INPUTS, tf.float64), tf.constant(TARGETS, tf.float64)
    weights = [tf.Variable(w, dtype=tf.float64) for w in WEIGHTS.values()]
    W, b, V, c = weights

    with tf.GradientTape() as tape:
        y = tf.sigmoid(tf.sigmoid(x @ W + b) @ V + c)
        loss = tf.reduce_mean((y - t) ** 2)
    for w, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
        w.assign_sub(LEARNING_RATE * gradient)
    return Step(float(loss), [w.numpy() for w in weights])


def by_jax() -> Step:
    """JAX: the gradient of a function is a function."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    x, t = jnp.array(INPUTS), jnp.array(TARGETS)

    def loss_of(weights: Any) -> Any:
        W, b, V, c = weights
        y = jax.nn.sigmoid(jax.nn.sigmoid(x @ W + b) @ V + c)
        return jnp.mean((y - t) ** 2)

    weights = [jnp.array(w) for w in WEIGHTS.values()]
    loss, gradients = jax.value_and_grad(loss_of)(weights)
    updated = [w - LEARNING_RATE * g for w, g in zip(weights, gradients, strict=True)]
    return Step(float(loss), updated)


WAYS: dict[str, Callable[[], Step]] = {
    "textbook": by_textbook,
    "mundur": by_mundur,
    "PyTorch": by_pytorch,
    "Keras": by_keras,
    "TensorFlow": by_tensorflow,
    "JAX": by_jax,
}


def difference(step: Step, other: Step) -> float:
    """The largest difference of any number."""
    pairs = [(step.loss, other.loss), *zip(step.weights, other.weights, strict=True)]
    return max(float(np.abs(np.asarray(a) - np.asarray(b)).max()) for a, b in pairs)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; 0 if all that are installed agree."""
    parser = argparse.ArgumentParser(
        prog="python -m mundur.examples.beside_frameworks",
        description=(__doc__ or "").split("\n")[0],
    )
    command.add_language(parser)
    with command.telling(parser.parse_args(arguments).language, WORDS):
        return tell()


def tell() -> int:
    """Print what each has; 0 if all agree."""
    print(f"{'':12}{'E':>14}{'w5 afterwards':>18}{'difference':>14}")
    expected, agree = by_textbook(), True
    for name, way in WAYS.items():
        try:
            step = way()
        except ImportError as error:
            print(f"{name:12}not installed ({error})")
            continue
        off = difference(step, expected)
        fits = off <= (OF_KERAS if name == "Keras" else TOLERANCE)
        agree = agree and fits
        w5 = float(step.weights[2][0][0])
        verdict = "agrees" if fits else "DIFFERS"
        print(f"{name:12}{step.loss:14.10f}{w5:18.10f}{off:14.0e}  {verdict}")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
