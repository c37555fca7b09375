"""Why deep networks of sigmoids hardly learn: the gradient vanishes on its way back.

    python -m mundur.examples.vanishing_gradients

Backpropagation multiplies δ by Wᵀ and by f′(z) in every layer. The sigmoid's slope is at most ¼, so
with ordinary weights each layer leaves a fraction of what came; after twenty of them the first
layer gets next to nothing. ReLU's slope is 1 where a unit is active, and He's first weights, of
variance 2 / inputs, make up for those that are not (He, Zhang, Ren and Sun, 2015).

Builds three networks of twenty hidden layers, prints the gradient norm of each layer before the
first update, trains them on scikit-learn's digits, and writes vanishing_gradients.png.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

import mundur as md
from mundur.examples import command
from mundur.inspection.explanation import Explanation

HIDDEN_LAYERS, UNITS = 20, 32
WORDS = {
    "Training": "Pelatihan",
    "Gradient norm by layer, before the first update": "Norma gradien sebelum pembaruan pertama",
    "‖∂L/∂(weights of the layer)‖ before the first update, from the output back": (
        "‖∂L/∂(bobot lapisan)‖ sebelum pembaruan pertama, dari keluaran ke belakang"
    ),
    "The first layer's norm over the last's": "Norma lapisan pertama dibagi norma lapisan terakhir",
    "σ′(z) = σ(1 - σ) is at most 1/4: of δ each layer of sigmoids leaves a fraction.": (
        "σ′(z) = σ(1 - σ) paling besar 1/4: tiap lapisan sigmoid hanya menyisakan sebagian δ."
    ),
    r"Training, (\d+) epochs of Adam": r"Pelatihan, \1 epoch dengan Adam",
    r"  (\w+ +)loss (\S+), test accuracy (.*)": r"  \1galat \2, akurasi uji \3",
    r"Guessing one of ten digits has the loss (.*) and (\S+) right\.": (
        r"Menebak satu dari sepuluh angka bergalat \1 dan benar \2."
    ),
}
NETWORKS = {  # the activation, and first weights that suit it
    "sigmoid": "glorot_uniform",
    "tanh": "glorot_uniform",
    "relu": "he_normal",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; 0 if all went well."""
    return command.run("vanishing_gradients", __doc__, arguments, _work, epochs=15, words=WORDS)


def deep(activation: str, seed: int) -> md.Model:
    """Twenty hidden layers of one activation, compiled, for images of 8 x 8 pixels."""
    layers = [
        md.layers.Dense(UNITS, activation, kernel_initializer=NETWORKS[activation])
        for _ in range(HIDDEN_LAYERS)
    ]
    model = md.Model([*layers, md.layers.Dense(10)], input_shape=(64,), seed=seed)
    loss = md.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(md.optimizers.Adam(1e-3), loss, metrics=["accuracy"])
    return model


def _work(options: argparse.Namespace) -> Any:
    from matplotlib import pyplot
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    x = (x / 8 - 1).astype(np.float32)
    train, test = (x[:1400], y[:1400]), (x[1400:], y[1400:])
    models = {name: deep(name, options.seed) for name in NETWORKS}
    passes = {name: model.explain(x[:256], y[:256]) for name, model in models.items()}
    _print_norms(passes)

    print(f"\nTraining, {options.epochs} epochs of Adam")
    figure, (flow, curves) = pyplot.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
    md.plots.gradient_flow(passes, axes=flow)
    flow.set_title("Gradient norm by layer, before the first update")
    for (name, model), line in zip(models.items(), flow.lines, strict=True):
        history = model.fit(*train, epochs=options.epochs, verbose=0)
        accuracy = model.evaluate(*test, verbose=0, return_dict=True)["accuracy"]
        print(f"  {name:8} loss {history.history['loss'][-1]:.3f}, test accuracy {accuracy:.1%}")
        epochs = range(1, options.epochs + 1)
        style = {"color": line.get_color(), "linestyle": line.get_linestyle()}
        curves.plot(epochs, history.history["loss"], label=name, **style)
    print(f"Guessing one of ten digits has the loss log 10 = {np.log(10):.3f} and 10% right.")
    curves.set(title="Training", xlabel="epoch", ylabel="loss")
    curves.xaxis.get_major_locator().set_params(integer=True)
    curves.legend()
    curves.grid(alpha=0.3)
    return figure


def _print_norms(passes: dict[str, Explanation]) -> None:
    norms = {name: explanation.gradient_norms for name, explanation in passes.items()}
    print("‖∂L/∂(weights of the layer)‖ before the first update, from the output back\n")
    print(f"{'':10}" + "".join(f"{name:>12}" for name in norms))
    for layer in reversed(norms["sigmoid"]):
        print(f"{layer:10}" + "".join(f"{norms[name][layer]:12.2e}" for name in norms))
    print("\nThe first layer's norm over the last's")
    for name, by_layer in norms.items():
        values = list(by_layer.values())
        print(f"  {name:8}{values[0] / values[-1]:.1e}")
    print("σ′(z) = σ(1 - σ) is at most 1/4: of δ each layer of sigmoids leaves a fraction.")


if __name__ == "__main__":
    raise SystemExit(main())
