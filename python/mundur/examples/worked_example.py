"""The worked 2-2-2 example, as course notes do it, by the textbook and by the native code.

    python -m mundur.examples.worked_example
    python -m mundur.examples.worked_example --updates 10000 --train-biases

Two inputs, two hidden units, two outputs, all logistic; `mundur.reference.worked_example` tells the
network, its first weights and the names of all numbers. The left column is calculated by the
textbook, `mundur.reference`, in pure Python, the right one by the native core. The command fails if
any number differs by more than 1e-10.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

import mundur as md
from mundur.examples import command
from mundur.reference import worked_example as textbook

TOLERANCE = 1e-10

TASK = """\
Inputs         i1 = 0.05, i2 = 0.10             Targets        t1 = 0.01, t2 = 0.99
Weights        w1 = 0.15, w2 = 0.20, w3 = 0.25, w4 = 0.30 into the hidden units,
               w5 = 0.40, w6 = 0.45, w7 = 0.50, w8 = 0.55 into the outputs
Biases         b1 = 0.35 of h1 and h2, b2 = 0.60 of o1 and o2, {biases}

Forward        z = Σ (weight · what comes in) + b,  f(z) = 1 / (1 + e^−z)
Backward       δ_o = (o − t) · o (1 − o),  δ_h = h (1 − h) · Σ (weight · δ_o)
Gradient       ∂E/∂w = δ of the unit that w leads to · what comes in along w
Update         w ← w − η ∂E/∂w, all weights at once
"""
TRAINED = "each unit's own from now on:\n               b1 of h1, b1′ of h2, b2 of o1, b2′ of o2"
TUGAS = """\
Masukan        i1 = 0.05, i2 = 0.10             Target         t1 = 0.01, t2 = 0.99
Bobot          w1 = 0.15, w2 = 0.20, w3 = 0.25, w4 = 0.30 ke unit tersembunyi,
               w5 = 0.40, w6 = 0.45, w7 = 0.50, w8 = 0.55 ke keluaran
Bias           b1 = 0.35 untuk h1 dan h2, b2 = 0.60 untuk o1 dan o2, {biases}

Maju           z = Σ (bobot · yang masuk) + b,  f(z) = 1 / (1 + e^−z)
Mundur         δ_o = (o − t) · o (1 − o),  δ_h = h (1 − h) · Σ (bobot · δ_o)
Gradien        ∂E/∂w = δ dari unit yang dituju w · yang masuk lewat w
Pembaruan      w ← w − η ∂E/∂w, semua bobot sekaligus
"""
DILATIH = "selanjutnya tiap unit punya sendiri:\n               b1 h1, b1′ h2, b2 o1, b2′ o2"
PUBLISHED = {
    1: "Where notes have 0.291027924, they changed w5 to w8 before they took δ_h.",
    10_000: "Where notes have 0.0000351085, that is E after update 9,999.",
}

WORDS = {
    **command.lines(TASK.format(biases="frozen"), TUGAS.format(biases="tetap")),
    **command.lines(TASK.format(biases=TRAINED), TUGAS.format(biases=DILATIH)),
    "The network": "Jaringan",
    r"(.*)f logistic,(.*)": r"\1f logistik,\2",
    "textbook": "buku ajar",
    "native": "kode native",
    "Forward, before the first update": "Maju, sebelum pembaruan pertama",
    r"Forward, before update (\S+)": r"Maju, sebelum pembaruan ke-\1",
    "Error, (E = .*)": r"Galat, \1",
    "δ = ∂E/∂z, outputs first": "δ = ∂E/∂z, mulai dari keluaran",
    "Gradients": "Gradien",
    "Weights": "Bobot",
    "Error": "Galat",
    r"(Weights|Error) after it": "{1} sesudahnya",
    r"(Weights|Error) after (\S+) updates": "{1} setelah {2} pembaruan",
    r"Largest difference: (\S+)": r"Selisih terbesar: \1",
    PUBLISHED[1]: "Bila catatan memuat 0.291027924, w5 sampai w8 diubah sebelum δ_h dihitung.",
    PUBLISHED[10_000]: "Bila catatan memuat 0.0000351085, itu E setelah pembaruan ke-9999.",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the example; 0 if the textbook and the native code agree."""
    parser = argparse.ArgumentParser(
        prog="python -m mundur.examples.worked_example",
        description="The worked 2-2-2 example, by the textbook and by the native code.",
    )
    parser.add_argument(
        "--updates", type=int, default=1, help="show the last of so many updates (default 1)"
    )
    parser.add_argument(
        "--train-biases", action="store_true", help="train the biases too (default: frozen)"
    )
    command.add_language(parser)
    options = parser.parse_args(arguments)
    if options.updates < 1:
        parser.error(f"--updates: expected a positive integer, got {options.updates}")
    with command.telling(options.language, WORDS):
        return tell(options)


def tell(options: argparse.Namespace) -> int:
    """Print all of it."""
    print_task(options.train_biases)
    taught = textbook.worked_example(options.updates, options.train_biases)
    native = native_example(options.updates, options.train_biases)
    largest = report(taught, native, options.updates, options.train_biases)
    if not options.train_biases and options.updates in PUBLISHED:
        print(PUBLISHED[options.updates])
    return 0 if largest <= TOLERANCE else 1


def print_task(train_biases: bool) -> None:
    """Print the network, its first numbers and the formulas."""
    drawing = (textbook.__doc__ or "\n\n").split("\n\n")[1]
    print(f"The network\n\n{drawing}\n")
    print(TASK.format(biases=TRAINED if train_biases else "frozen"))


def native_example(updates: int = 1, train_biases: bool = False) -> textbook.Values:
    """Calculate what the textbook's `worked_example` does, by the native code."""
    x, t = np.array(textbook.INPUTS), np.array(textbook.TARGETS)
    loss, optimizer = md.losses.MeanSquaredError(), md.optimizers.SGD(textbook.LEARNING_RATE)
    model = network(textbook.WEIGHTS, "sigmoid", "sigmoid")

    # All updates but the last, whose numbers are wanted.
    if not train_biases:
        model.freeze("*/bias")
    for _ in range(updates - 1):
        model.backward(loss.gradient(t, model.forward(x, training=True)))
        optimizer.step(model)

    # For one sample δ_j is ∂E/∂b_j, so the numbers are taken while the biases are free.
    model.unfreeze("*/bias")
    forward = forward_values(model.parameters, x)
    y = model.forward(x, training=True)
    error = loss(t, y)
    model.backward(loss.gradient(t, y))
    gradients = {name: gradient.tolist() for name, gradient in model.gradients.items()}
    deltas = textbook.delta_values(gradients["dense/bias"], gradients["dense_1/bias"])

    # The last update.
    if not train_biases:
        model.freeze("*/bias")
        gradients = {name: g for name, g in gradients.items() if not name.endswith("/bias")}
    model.backward(loss.gradient(t, model.forward(x, training=True)))
    optimizer.step(model)
    return textbook.Values(
        forward=forward,
        error=float(error),
        deltas=deltas,
        gradients=textbook.gradient_values(gradients),
        weights=textbook.weight_values({n: w.tolist() for n, w in model.parameters.items()}),
        error_after=float(loss(t, model.forward(x))),
    )


def network(weights: Mapping[str, object], *activations: str) -> md.Model:
    """Chain dense layers of two units with these activations and copies of the weights."""
    layers = [md.layers.Dense(2, activation) for activation in activations]
    model = md.Model(layers, dtype="float64", seed=0, input_shape=(2,))
    for name, parameter in model.parameters.items():
        parameter[...] = weights[name]
    return model


def forward_values(weights: Mapping[str, object], x: npt.NDArray[np.float64]) -> dict[str, float]:
    """Name z and f(z) of every unit: outputs of the network cut off behind each stage."""
    stages = [("linear",), ("sigmoid",), ("sigmoid", "linear"), ("sigmoid", "sigmoid")]
    outputs = [network(weights, *stage).forward(x)[0].tolist() for stage in stages]
    return textbook.forward_values(*outputs)


def report(
    taught: textbook.Values, native: textbook.Values, updates: int, train_biases: bool
) -> float:
    """Print both, number beside number; give the largest difference."""
    before = "before the first update" if updates == 1 else f"before update {updates:,}"
    after = "after it" if updates == 1 else f"after {updates:,} updates"
    sections = [
        (f"Forward, {before}", taught.forward, native.forward),
        ("Error, E = Σ ½ (t − o)²", {"E": taught.error}, {"E": native.error}),
        ("δ = ∂E/∂z, outputs first", taught.deltas, native.deltas),
        ("Gradients", taught.gradients, native.gradients),
        (f"Weights {after}", taught.weights, native.weights),
        (f"Error {after}", {"E": taught.error_after}, {"E": native.error_after}),
    ]
    largest = 0.0
    print(f"{'':10}{'textbook':>24}{'native':>24}")
    for title, left, right in sections:
        print(f"\n{title}")
        for name in left:
            if name.startswith("b") and not train_biases:
                continue
            print(f"  {name:8}{left[name]:24.16g}{right[name]:24.16g}")
            largest = max(largest, abs(left[name] - right[name]))
    print(f"\nLargest difference: {largest:.2g}")
    return largest


if __name__ == "__main__":
    sys.exit(main())
