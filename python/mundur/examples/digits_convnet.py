"""Handwritten digits, read by convolutions, and by what they saw moved, turned and zoomed.

    python -m mundur.examples.digits_convnet               scikit-learn's 1,797 digits of 8 x 8
    python -m mundur.examples.digits_convnet --data DIR    MNIST's four IDX files in DIR

Trains the same network without and with augmentation, each time keeps the epoch that was best on
training digits held out for that, says how long it took, and reads the test set once. The figure
shows the curves, the first layer's kernels, what they make of a "2", the confusion matrix, digits
that were read wrongly, and digits as augmentation changes them.
"""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import mundur as md
from mundur._support.drawing import VERMILION
from mundur.examples import command
from mundur.examples.digits import Digits, bundled, mnist

Array = npt.NDArray[Any]
L = md.layers

WORDS = {
    "training, without augmentation": "pelatihan, tanpa augmentasi",
    "training, with augmentation": "pelatihan, dengan augmentasi",
    "held out, without augmentation": "validasi, tanpa augmentasi",
    "held out, with augmentation": "validasi, dengan augmentasi",
    "training; the dot is the epoch that was kept": "pelatihan; titik: epoch yang disimpan",
    "test set": "himpunan uji",
    r"first convolution: its kernels \(blue for, red against\)": (
        "kernel konvolusi pertama (biru mendukung, merah tidak)"
    ),
    r'\.\.\. and what they make of a "2"': '... dan hasilnya untuk angka "2"',
    r"read wrongly: (\d+) of (\d+)": r"salah dibaca: \1 dari \2",
    "none": "tidak ada",
    r"(\d) \(is (\d)\)": r"\1 (asli \2)",
    "as it is": "asli",
    "augmented digits": "angka hasil augmentasi",
    r"without (.+ epochs .*)": "tanpa {1}",
    r"with (.+ epochs .*)": "dengan {1}",
    r"augmentation: (\d+) epochs in (\S+) s; epoch (\d+) was the best on the (\S+) digits held "
    r"out, (\S+) right": (
        r"augmentasi: \1 epoch dalam \2 s; epoch \3 terbaik pada \4 angka yang disisihkan, \5 benar"
    ),
    r"    test set: (\S+) of (\S+) digits, (\d+) wrong": (
        r"    himpunan uji: \1 dari \2 angka, \3 salah"
    ),
}


class Run(NamedTuple):
    """A network that was trained, and how."""

    model: md.Model
    history: md.History
    best: int  # its epoch
    seconds: float
    predicted: Array


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; 0 if all went well."""
    return command.run(
        *("digits_convnet", __doc__, arguments, work),
        epochs="default 40, with --data 10",
        words=WORDS,
        data="MNIST's four IDX files",
    )


def work(options: Namespace) -> Any:
    """Tells of both networks, and draws the second one."""
    digits = read(options)
    epochs = options.epochs or (10 if options.data else 40)
    parts = [(x[..., np.newaxis], y) for x, y in digits[:3]]
    channels = Digits(parts[0], parts[1], parts[2], digits.white)
    plain = trained("without augmentation", channels, epochs, options, None)
    changed = trained("with augmentation", channels, epochs, options, changes(digits))
    return drawn(digits, plain, changed)


def read(options: Namespace) -> Digits:
    """The digits asked for."""
    if not options.data:
        return bundled(options.seed)
    try:
        return mnist(options.data)
    except (OSError, ValueError) as error:
        raise command.DataError(error) from error


def changes(digits: Digits) -> list[Any]:
    """What leaves a digit what it is: a bit of a turn, a pixel to any side, a bit of a zoom.

    Less of it where eight pixels are all there is.
    """
    if digits.train[0].shape[1] < 20:
        return [L.RandomRotation(0.02, "constant"), L.RandomTranslation(0.05, 0.05, "constant")]
    return [
        L.RandomRotation(0.03, "constant"),
        L.RandomZoom(0.1, 0.1, "constant"),
        L.RandomTranslation(1.5 / 28, 1.5 / 28, "constant"),
    ]


def network(digits: Digits, epochs: int, options: Namespace) -> md.Model:
    """Convolutions that see 3 x 3 pixels, then 3 x 3 of what those saw, at half the size."""
    large = options.data is not None
    model = md.Model(
        [
            L.Rescaling(1 / digits.white),
            *block(32 if large else 16, large),
            *block(64 if large else 32, large),
            L.Flatten(),
            L.Dense(128 if large else 64, activation="relu"),
            L.Dropout(0.4),
            L.Dense(10),
        ],
        seed=options.seed,
    )
    batches = -(-len(digits.train[0]) // batch(options))
    model.compile(
        optimizer=md.optimizers.Adam(md.schedules.CosineDecay(2e-3, epochs * batches)),
        loss=md.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def block(filters: int, large: bool) -> list[md.Layer]:
    """A convolution, of large images two, and the largest of every 2 x 2."""
    padding = "valid" if large else "same"
    layers: list[md.Layer] = []
    for _ in range(2 if large else 1):
        layers += [
            L.Conv2D(filters, 3, padding=padding, activation="relu"),
            L.BatchNormalization(momentum=0.9),
        ]
    return [*layers, L.MaxPooling2D()]


def batch(options: Namespace) -> int:
    """Samples of a batch."""
    return 128 if options.data else 32


def trained(title: str, digits: Digits, epochs: int, options: Namespace, augment: Any) -> Run:
    """A network with the weights of its best epoch on the held-out digits."""
    model = network(digits, epochs, options)
    model.build(digits.train[0].shape[1:])
    if augment is None:
        model.summary()
    keep = md.callbacks.EarlyStopping("val_accuracy", patience=epochs, restore_best_weights=True)
    start = time.perf_counter()
    history = model.fit(
        *digits.train,
        batch_size=batch(options),
        epochs=epochs,
        validation_data=digits.validation,
        augment=augment,
        callbacks=[keep],
        verbose=0,
    )
    seconds = time.perf_counter() - start
    held_out = history.history["val_accuracy"]
    best = int(np.argmax(held_out))
    x, y = digits.test
    predicted = model.predict(x, verbose=0).argmax(axis=1)
    print(
        f"{title}: {epochs} epochs in {seconds:.1f} s; epoch {best + 1} was the best on the "
        f"{len(digits.validation[1]):,} digits held out, {held_out[best]:.2%} right"
    )
    wrong = int(np.count_nonzero(predicted != y))
    print(f"    test set: {1 - wrong / len(y):.2%} of {len(y):,} digits, {wrong} wrong")
    return Run(model, history, best, seconds, predicted)


# ---- the figure ---------------------------------------------------------------------------------


def drawn(digits: Digits, plain: Run, changed: Run) -> Any:
    """The figure of the network that was trained with augmentation, and the curves of both."""
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(15, 12), layout="constrained")
    parts: Any = figure.subfigures(3, 1, height_ratios=(3, 4, 3))
    top, middle, bottom = parts
    draw_curves(top, plain, changed)
    left, right = middle.subfigures(1, 2)
    draw_confusion(left, digits, changed)
    kernels, maps = right.subfigures(2, 1)
    draw_kernels(kernels, changed.model)
    draw_maps(maps, digits, changed.model)
    wrong, augmented = bottom.subfigures(1, 2)
    draw_wrong(wrong, digits, changed)
    draw_augmented(augmented, digits)
    return figure


def draw_curves(place: Any, plain: Run, changed: Run) -> None:
    """Loss and accuracy on the training and the held-out digits."""
    axes = place.subplots(1, 2)
    for run, colour, title in (
        (plain, "#E69F00", "without augmentation"),
        (changed, "#0072B2", "with augmentation"),
    ):
        epochs = np.arange(1, 1 + len(run.history.epoch))
        for axis, name in zip(axes, ("loss", "accuracy"), strict=True):
            seen, held_out = (run.history.history[part + name] for part in ("", "val_"))
            axis.plot(epochs, seen, "--", color=colour, label=f"training, {title}")
            axis.plot(epochs, held_out, color=colour, label=f"held out, {title}")
            axis.plot(run.best + 1, held_out[run.best], "o", color=colour)
    axes[0].set_yscale("log")
    lowest = min(min(run.history.history["val_accuracy"][1:] or [0]) for run in (plain, changed))
    axes[1].set_ylim(min(lowest, 0.99) - 0.005, 1.001)
    for axis, name in zip(axes, ("loss", "accuracy"), strict=True):
        axis.set(xlabel="epoch", ylabel=name)
        axis.grid(alpha=0.3)
    axes[0].legend()
    place.suptitle("training; the dot is the epoch that was kept")


def draw_confusion(place: Any, digits: Digits, run: Run) -> None:
    """Which digits were read as which."""
    md.plots.confusion(digits.test[1], run.predicted, axes=place.subplots())
    place.suptitle("test set")


def draw_kernels(place: Any, model: md.Model) -> None:
    """The first layer's weights, 3 x 3 for each of its channels."""
    kernel = model.parameters["conv2d/kernel"][:, :, 0]
    largest = np.abs(kernel).max()
    grid(place, list(np.moveaxis(kernel, -1, 0)), cmap="RdBu", vmin=-largest, vmax=largest)
    place.suptitle("first convolution: its kernels (blue for, red against)")


def draw_maps(place: Any, digits: Digits, model: md.Model) -> None:
    """What the first convolution makes of a "2"."""
    two = digits.test[0][np.flatnonzero(digits.test[1] == 2)[:1]]
    first = md.Model(model.input, model.layers[1].output)(two[..., np.newaxis])[0]
    grid(place, list(np.moveaxis(first, -1, 0)), cmap="gray_r")
    place.suptitle('... and what they make of a "2"')


def draw_wrong(place: Any, digits: Digits, run: Run) -> None:
    """Digits of the test set that were read wrongly."""
    images, labels = digits.test
    wrong = np.flatnonzero(run.predicted != labels)
    axes = grid(place, [images[i] for i in wrong[:24]], 24, cmap="gray_r")
    for axis, i in zip(axes, wrong, strict=False):
        axis.set_title(f"{run.predicted[i]} (is {labels[i]})", fontsize=11, color=VERMILION)
    place.suptitle(f"read wrongly: {min(len(wrong), 24)} of {len(wrong)}" if len(wrong) else "none")


def draw_augmented(place: Any, digits: Digits) -> None:
    """Digits as they are, and three times as training saw them."""
    few = np.array([np.flatnonzero(digits.train[1] == k)[0] for k in range(8)])
    x = digits.train[0][few][..., np.newaxis].astype(np.float32)
    change = md.Model(changes(digits), seed=0, input_shape=x.shape[1:])
    rows = [x, *(change.forward(x, training=True) for _ in range(2))]
    shades: dict[str, Any] = {"cmap": "gray_r", "vmin": 0, "vmax": digits.white}
    axes = grid(place, [image[..., 0] for row in rows for image in row], 24, **shades)
    for axis in axes[:8]:
        axis.set_title("as it is", fontsize=11)
    place.suptitle("augmented digits")


def grid(place: Any, images: list[Array], count: int = 0, **options: Any) -> list[Any]:
    """Images side by side, eight in a row."""
    axes = list(place.subplots(-(-max(count, len(images)) // 8), 8).flat)
    for axis in axes:
        axis.set_axis_off()
    for axis, image in zip(axes, images, strict=False):
        axis.imshow(image, **options)
    return axes


if __name__ == "__main__":
    raise SystemExit(main())
