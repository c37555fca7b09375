"""The sentiment of sentences and reviews: Embedding and LSTM, trained by a loop written by hand.

    python -m mundur.examples.sentiment_lstm                2,460 sentences that ship with mundur
    python -m mundur.examples.sentiment_lstm --data PATH    film reviews and the like

PATH is a folder aclImdb or its tar.gz; a folder with IMDB as two TSVs, SmSA (Indonesian, three
classes) or rt-polarity; or a TSV or CSV file with text and label.

Words become numbers, the numbers vectors, and an LSTM reads one vector after the other; its last
state tells the sentiment. Each step is written out: forward, loss, backward, update. Prints loss
and accuracy of every epoch, that of the test set with the weights of the epoch that was best on the
validation set, and the sentiment of some new sentences; writes sentiment_lstm.png, the curves, and
sentiment_lstm.safetensors, the model with its vocabulary, which the command reads again.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import mundur as md
from mundur.examples import command, reviews

Array = npt.NDArray[Any]


class Part(NamedTuple):
    """Texts as rows of numbers, and the class of each."""

    x: Array
    y: Array


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; 0 if all went well."""
    return command.run(
        "sentiment_lstm",
        __doc__,
        arguments,
        _work,
        epochs="default 12, with --data 5",
        data="reviews, or a TSV or CSV file",
        words=reviews.LABELS,
    )


def network(words: int, classes: int, seed: int) -> md.Model:
    """One output for two classes, else one for each; none of them squashed, the loss does that."""
    return md.Model(
        [
            md.layers.Embedding(words, 64, mask_zero=True),  # padding leaves the state as it is
            md.layers.Dropout(0.4),
            md.layers.LSTM(64),
            md.layers.Dropout(0.4),
            md.layers.Dense(1 if classes == 2 else classes),
        ],
        seed=seed,
    )


def train(
    model: md.Model,
    loss: md.Loss,
    optimizer: md.Optimizer,
    parts: tuple[Part, Part],
    epochs: int,
    batch_size: int,
) -> tuple[md.History, int]:
    """The loop; leaves the model with the weights of its best epoch, and says which that was."""
    from tqdm import tqdm

    data, validation = parts
    rng = np.random.default_rng(model.seed)
    history, best, best_accuracy, weights = md.History(), 0, -1.0, model.get_weights()
    for epoch in range(epochs):
        start, sums = time.perf_counter(), np.zeros(2)
        order = rng.permutation(len(data.x))
        steps = range(0, len(order), batch_size)
        for first in tqdm(steps, f"Epoch {epoch + 1}/{epochs}", leave=False, disable=None):
            rows = order[first : first + batch_size]
            outputs = model.forward(data.x[rows], training=True)
            value = loss(data.y[rows], outputs)
            model.backward(loss.gradient(data.y[rows], outputs))
            optimizer.step(model)
            sums += len(rows) * np.array([value, right(data.y[rows], outputs)])
        mean_loss, accuracy = sums / len(order)
        outputs = model.predict(validation.x, 256, verbose=0)
        logs = {
            "loss": float(mean_loss),
            "accuracy": float(accuracy),
            "val_loss": loss(validation.y, outputs),
            "val_accuracy": right(validation.y, outputs),
        }
        history.on_epoch_end(epoch, logs)
        numbers = " - ".join(f"{name}: {value:.4f}" for name, value in logs.items())
        print(f"Epoch {epoch + 1}/{epochs} - {time.perf_counter() - start:.2f} s - {numbers}")
        if logs["val_accuracy"] > best_accuracy:
            best, best_accuracy = epoch, logs["val_accuracy"]
            weights = [np.copy(w) for w in model.get_weights()]
    model.set_weights(weights)
    return history, best


def right(y: Array, outputs: Array) -> float:
    """The share of right answers: the sign of a single output, else the largest output."""
    answers = outputs[:, 0] > 0 if outputs.shape[1] == 1 else outputs.argmax(axis=1)
    return float(np.mean(answers == y))


def _work(options: argparse.Namespace) -> Any:
    found = reviews.read(options.data, options.seed)
    vocabulary, length = reviews.numbered(found, 20_000)
    labels = sorted({*found.train.labels})
    parts = [
        Part(vocabulary.encode(texts, length), np.array([labels.index(label) for label in given]))
        for texts, given in (found.train, found.validation)
    ]
    model = network(len(vocabulary), len(labels), options.seed)
    model.build((length,))
    model.summary()
    loss: md.Loss = md.losses.SparseCategoricalCrossentropy(from_logits=True)
    if len(labels) == 2:
        loss = md.losses.BinaryCrossentropy(from_logits=True)
    optimizer = md.optimizers.Adam(2e-3 if found.many else 1e-2, clipnorm=1.0)
    epochs = options.epochs or (5 if found.many else 12)
    start = time.perf_counter()
    history, best = train(
        model, loss, optimizer, (parts[0], parts[1]), epochs, 64 if found.many else 32
    )
    print(f"{epochs} epochs in {time.perf_counter() - start:.2f} s")
    classifier = md.text.TextClassifier(model, vocabulary, length, labels=labels)
    return reviews.report(
        classifier, history, found, best, options.out / "sentiment_lstm.safetensors"
    )


if __name__ == "__main__":
    raise SystemExit(main())
