"""Handwritten digits: train, look, save, load.

    python -m mundur.examples.digits                 scikit-learn's 1,797 digits of 8 x 8 pixels
    python -m mundur.examples.digits --data DIR      MNIST's four IDX files (gzip or not) in DIR

Prints the accuracy as it grows and that on the test set, writes digits.png (the curves and some
predicted digits) and digits.safetensors, and checks that the loaded model predicts the same.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import mundur as md
from mundur._support.drawing import INDONESIAN, VERMILION
from mundur.examples import command, idx

Array = npt.NDArray[Any]


WORDS = {
    r"test set: (.*) of (.*) digits are right; predictions, wrong ones first and coloured": (
        r"himpunan uji: \1 dari \2 angka benar; tebakan, yang salah di depan dan berwarna"
    ),
    r"(\d) \(is (\d)\)": r"\1 (asli \2)",
    r"(\d+) epochs? in (\S+) s": r"\1 epoch dalam \2 s",
    r"cut short by Ctrl-C: (\d+) epochs were asked for, what follows is of (\d+)": (
        r"dihentikan dengan Ctrl-C: diminta \1 epoch, yang berikut ini dari \2"
    ),
    r"test accuracy: (\S+) of (\d+) digits": r"akurasi uji: \1 dari \2 angka",
    r"wrote (.*), the curves and some predictions,": r"ditulis: \1, kurva dan beberapa tebakan,",
    r"and (.*), the model: loaded from there it predicts the same": (
        r"dan \1, modelnya: dimuat dari sana tebakannya sama"
    ),
    r"next: (.*) in Python, or (.*) for more": r"lanjutkan: \1 di Python, atau \2 untuk yang lain",
}


class Digits(NamedTuple):
    """Images (n, rows, columns) with labels, in three parts, and the value of a white pixel."""

    train: tuple[Array, Array]
    validation: tuple[Array, Array]
    test: tuple[Array, Array]
    white: float


class EveryTenth(md.Callback):
    """Prints every tenth epoch, and the first."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Called by `fit`."""
        if epoch == 0 or (epoch + 1) % 10 == 0:
            numbers = [f"{name}: {value:.4f}" for name, value in (logs or {}).items()]
            print(" - ".join([f"Epoch {epoch + 1}/{self.params['epochs']}", *numbers]), flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; 0 if all went well."""
    options = _parser().parse_args(arguments)
    with command.telling(options.language, WORDS):
        return _run(options)


def _run(options: argparse.Namespace) -> int:
    try:
        import matplotlib

        digits = mnist(options.data) if options.data else bundled(options.seed)
    except ImportError as error:
        print(f"{error}; this example needs: pip install mundur[examples]", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(f"--data: {error}", file=sys.stderr)
        return 1
    matplotlib.use("Agg")  # a file, not a window
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "digits.png").touch()
    except OSError as error:
        print(f"--out: {error}", file=sys.stderr)
        return 1

    model = _model(digits.white, options.seed, large=options.data is not None)
    model.build(digits.train[0].shape[1:])
    model.summary()
    epochs = options.epochs or (10 if options.data else 60)
    # Of many short epochs every tenth is enough to see.
    shown: Any = {"callbacks": [EveryTenth()], "verbose": 0} if epochs > 20 else {}
    start = time.perf_counter()
    with contextlib.suppress(KeyboardInterrupt):  # model.history tells of it
        model.fit(
            *digits.train,
            batch_size=128 if options.data else 32,
            epochs=epochs,
            validation_data=digits.validation,
            **shown,
        )
    history = model.history
    assert history is not None
    seconds = time.perf_counter() - start
    result = model.evaluate(*digits.test, return_dict=True)
    done = len(history.epoch)
    print(f"{done} epoch{'' if done == 1 else 's'} in {seconds:.1f} s")
    if history.stop_reason == "interrupted":
        print(f"cut short by Ctrl-C: {epochs} epochs were asked for, what follows is of {done}")
    right = f"{result['accuracy']:.2%} of {len(digits.test[1])} digits"
    print(f"test accuracy: {right}")

    predicted = model.predict(digits.test[0])
    figure = options.out.resolve() / "digits.png"
    with matplotlib.rc_context(command.style()):
        drawn = _draw(history, digits.test, predicted.argmax(axis=1), right)
        command.write(drawn, options, figure, {**INDONESIAN, **WORDS})
    file = figure.with_suffix(".safetensors")
    model.save(file)
    if not np.array_equal(md.load_model(file).predict(digits.test[0]), predicted):
        print("the loaded model predicts something else", file=sys.stderr)
        return 1
    print(f"wrote {figure}, the curves and some predictions,")
    print(f"and {file}, the model: loaded from there it predicts the same")
    print(f'next: mundur.load_model("{file}") in Python, or python -m mundur.examples for more')
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mundur.examples.digits", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--data", type=Path, help="folder of MNIST's four IDX files")
    parser.add_argument("--epochs", type=_positive, help="default 60, with --data 10")
    parser.add_argument("--out", type=Path, default=Path(), help="folder to write to (default .)")
    parser.add_argument("--seed", type=int, default=0, help="fixes every bit (default 0)")
    command.add_language(parser)
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a positive integer, got {text}")
    return value


def bundled(seed: int) -> Digits:
    """scikit-learn's digits: 60% to train, 15% to validate, 25% to test, classes alike in each."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, y = load_digits(return_X_y=True)
    x = x.reshape(-1, 8, 8).astype(np.uint8)
    rest_x, test_x, rest_y, test_y = train_test_split(
        x, y, test_size=0.25, stratify=y, random_state=seed
    )
    train_x, validation_x, train_y, validation_y = train_test_split(
        rest_x, rest_y, test_size=0.2, stratify=rest_y, random_state=seed
    )
    return Digits((train_x, train_y), (validation_x, validation_y), (test_x, test_y), 16)


def mnist(folder: Path) -> Digits:
    """MNIST: the last 5,000 training images (of any set: a twelfth) validate."""
    images, labels = idx.read_set(folder, "train")
    part = len(images) - len(images) // 12
    return Digits(
        (images[:part], labels[:part]),
        (images[part:], labels[part:]),
        idx.read_set(folder, "t10k"),
        255,
    )


def _model(white: float, seed: int, large: bool) -> md.Model:
    units = (512, 256) if large else (128, 64)
    model = md.Model(
        [
            md.layers.Flatten(),
            md.layers.Rescaling(1 / white),
            md.layers.Dense(units[0], activation="relu"),
            md.layers.Dropout(0.2),
            md.layers.Dense(units[1], activation="relu"),
            md.layers.Dropout(0.2),
            md.layers.Dense(10),
        ],
        seed=seed,
    )
    model.compile(
        optimizer=md.optimizers.Adam(learning_rate=1e-3),
        loss=md.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def _draw(history: md.History, test: tuple[Array, Array], predicted: Array, right: str) -> Any:
    """The curves; below them digits of the test set, up to a dozen wrong ones, then right ones."""
    from matplotlib import pyplot

    images, labels = test
    wrong = np.flatnonzero(predicted != labels)[:12]
    others = np.flatnonzero(predicted == labels)[: 36 - len(wrong)]
    figure = pyplot.figure(figsize=(12, 9), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=(2, 3))
    upper, lower = parts
    history.plot(upper.subplots(1, 2))
    lower.suptitle(f"test set: {right} are right; predictions, wrong ones first and coloured")
    for axis, i in zip(lower.subplots(3, 12).flat, [*wrong, *others], strict=False):
        mistaken = predicted[i] != labels[i]
        axis.imshow(images[i], cmap="gray_r")
        axis.set_title(
            f"{predicted[i]} (is {labels[i]})" if mistaken else str(predicted[i]),
            color=VERMILION if mistaken else "black",
            fontsize="small",
        )
    for axis in lower.axes:
        axis.set_axis_off()
    return figure


if __name__ == "__main__":
    raise SystemExit(main())
