"""The error on its way back: forward, loss, δ from layer to layer, gradients, update, as a film.

    python -m mundur.examples.error_flow

A 2-3-2 network sees one sample. Its outputs come layer by layer from the left; the loss compares
the last with the target; then δ = ∂L/∂z goes back, each layer's from the one behind it, through the
same weights; of δ and what the weight was given its gradient is made; and the weights move a little
against it. Every number is that of `Model.explain`.

Prints the numbers, and writes error_flow.gif, and its last picture as error_flow.png.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import mundur as md
from mundur.examples import command
from mundur.inspection.explanation import Explanation
from mundur.plots.figures import BLUE, GREEN, VERMILION, pyplot

Array = npt.NDArray[Any]

UNITS, RATE = (2, 3, 2), 0.2
GAP, RADIUS = 3.0, 0.36
WORDS = {
    "1. Forward: z = Σ a·w + b, a = f(z)": "1. Maju: z = Σ a·w + b, a = f(z)",
    r"2. Loss: L = (.*)": r"2. Galat: L = \1",
    "3. Back, the output: δ = f′(z)·∂L/∂a": "3. Mundur, keluaran: δ = f′(z)·∂L/∂a",
    "3. Back, a hidden layer: δ = f′(z)·Σ w·δ": "3. Mundur, lapisan tersembunyi: δ = f′(z)·Σ w·δ",
    "4. Gradients: ∂L/∂w = a·δ, ∂L/∂b = δ": "4. Gradien: ∂L/∂w = a·δ, ∂L/∂b = δ",
    r"5. Update: w ← w - η·∂L/∂w, now L = (.*)": r"5. Pembaruan: w ← w - η·∂L/∂w, kini L = \1",
    r"target (.*)": r"target \1",
    r"After (w ← .*): L = (.*), from (.*)": r"Setelah \1: L = \2, tadinya \3",
    r"Forward( +.*)": r"Maju   \1",
    r"Loss( +.*)": r"Galat\1",
    r"Backward( +.*)": r"Mundur  \1",
}


class Scene(NamedTuple):
    """What a picture shows: a caption, columns of outputs and of δ, and layers of gradients."""

    caption: str
    outputs: int
    errors: Sequence[int] = ()
    gradients: bool = False
    updated: bool = False
    going: int | None = None  # the layer of weights that something passes through
    share: float = 0.0  # how far it has come, from left to right


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; 0 if all went well."""
    return command.run("error_flow", __doc__, arguments, _work, words=WORDS)


def scenes(loss: float, after: float) -> list[Scene]:
    """The film: what moves takes three pictures, what is to be read some more."""
    film: list[Scene] = []
    shares = np.linspace(0.2, 0.8, 3)
    forward = "1. Forward: z = Σ a·w + b, a = f(z)"
    for layer in range(len(UNITS) - 1):
        film += [Scene(forward, layer, going=layer, share=share) for share in shares]
        film += [Scene(forward, layer + 1)]
    last = len(UNITS) - 1
    film += [Scene(f"2. Loss: L = {loss:.4f}", last)] * 2
    film += [Scene("3. Back, the output: δ = f′(z)·∂L/∂a", last, [last])] * 2
    back = "3. Back, a hidden layer: δ = f′(z)·Σ w·δ"
    film += [Scene(back, last, [last], going=last - 1, share=share) for share in shares[::-1]]
    film += [Scene(back, last, [last, last - 1])] * 2
    gradients = "4. Gradients: ∂L/∂w = a·δ, ∂L/∂b = δ"
    film += [Scene(gradients, last, [last, last - 1], gradients=True)] * 3
    update = f"5. Update: w ← w - η·∂L/∂w, now L = {after:.4f}"
    film += [Scene(update, last, gradients=True, updated=True)] * 3
    return film


def _work(options: argparse.Namespace) -> Any:
    model = md.Model(
        [md.layers.Dense(units, "tanh") for units in UNITS[1:]],
        input_shape=UNITS[:1],
        seed=options.seed,
        dtype="float64",
    )
    x, y = np.array([[0.8, -0.5]]), np.array([[0.9, -0.6]])
    before = model.explain(x, y, loss="mse")
    print(before)
    model.compile(md.optimizers.SGD(RATE), "mse")
    model.fit(x, y, epochs=1, verbose=0)
    after = model.explain(x, y, loss="mse")
    print(f"\nAfter w ← w - {RATE:g}·∂L/∂w: L = {after.loss:.4f}, from {before.loss:.4f}")
    film = scenes(before.loss, after.loss)
    figure, axis = pyplot().subplots(figsize=(10, 6.4), layout="constrained")

    def draw(frame: int) -> None:
        axis.clear()
        _draw(axis, film[frame], before, after, y[0])

    return md.plots.Animation(figure, draw, len(film), fps=1.5)


def _places(layer: int) -> list[tuple[float, float]]:
    return [
        (layer * GAP, (UNITS[layer] - 1) / 2 * 1.5 - 1.5 * unit) for unit in range(UNITS[layer])
    ]


def _draw(axis: Any, scene: Scene, before: Explanation, after: Explanation, y: Array) -> None:
    passes = after if scene.updated else before
    for layer, one in enumerate(before.layers):
        kernel = passes[layer].parameters["kernel"]
        for (i, start), (j, end) in (
            ((i, start), (j, end))
            for i, start in enumerate(_places(layer))
            for j, end in enumerate(_places(layer + 1))
        ):
            gradient = float(one.gradients["kernel"][i, j])
            number = float(kernel[i, j])
            at = 0.22 + 0.13 * ((i + j) % 2)  # so that no two numbers cover each other
            _line(axis, scene, layer, (start, end), number, gradient, at)
    for layer in range(len(UNITS)):
        outputs = passes[layer - 1].a[0] if layer else before.x[0]
        for unit, place in enumerate(_places(layer)):
            known = layer <= scene.outputs
            _unit(axis, place, f"{outputs[unit]:.2f}" if known else "")
            if layer in scene.errors:
                delta = float(before[layer - 1].delta[0, unit])
                below = (place[0], place[1] - RADIUS - 0.08)
                axis.text(
                    *below, f"δ = {delta:.3f}", ha="center", va="top", color=VERMILION, zorder=5
                )
            if layer == len(UNITS) - 1:
                axis.text(place[0] + 0.5, place[1], f"target {y[unit]:g}", va="center")
    axis.set_title(scene.caption, fontsize="large")
    axis.set(xlim=(-0.7, (len(UNITS) - 1) * GAP + 1.8), ylim=(-2.6, 2.2))
    axis.set_aspect("equal")
    axis.set_axis_off()


def _unit(axis: Any, place: tuple[float, float], text: str) -> None:
    from matplotlib.patches import Circle

    colour = "white" if not text else "#DCEBF5"
    axis.add_patch(Circle(place, RADIUS, facecolor=colour, edgecolor="black", zorder=3))
    axis.text(*place, text, ha="center", va="center", zorder=4)


def _line(
    axis: Any,
    scene: Scene,
    layer: int,
    ends_at: tuple[tuple[float, float], tuple[float, float]],
    weight: float,
    gradient: float,
    at: float,
) -> None:
    """A weight: dashed where it is negative; what passes along it; its number, its gradient."""
    style = "-" if weight >= 0 else (0, (4, 2))
    ends = np.array(ends_at)
    axis.plot(*ends.T, color="0.55", linestyle=style, linewidth=0.8 + 2 * abs(weight), zorder=1)
    if scene.going == layer:
        back = bool(scene.errors)
        point = ends[0] + scene.share * (ends[1] - ends[0])
        marker, colour = ("<", VERMILION) if back else (">", BLUE)
        axis.plot(*point, marker=marker, color=colour, markersize=12, zorder=4)
    if scene.gradients:
        place = ends[0] + at * (ends[1] - ends[0])
        text = f"{weight:.2f}" if scene.updated else f"{gradient:.2f}"
        axis.text(
            *place,
            text,
            ha="center",
            va="center",
            fontsize="small",
            color=GREEN if scene.updated else VERMILION,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            zorder=2,
        )


if __name__ == "__main__":
    raise SystemExit(main())
