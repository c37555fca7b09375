"""The sentiment of sentences and reviews: a convolution before the LSTM, by compile and fit.

    python -m mundur.examples.sentiment_cnn_lstm                2,460 sentences of the package
    python -m mundur.examples.sentiment_cnn_lstm --data PATH    film reviews and the like

PATH is what sentiment_lstm takes. A convolution looks at five words at a time, the pooling keeps
the strongest answer of four neighbours, and the LSTM reads a sequence that is a quarter as long.

Prints loss and accuracy of every epoch, that of the test set with the weights of the epoch that was
best on the validation set, and the sentiment of some new sentences; writes sentiment_cnn_lstm.png,
the curves, and sentiment_cnn_lstm.safetensors, the model with its vocabulary, which the command
reads again.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import mundur as md
from mundur.examples import command, reviews


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; 0 if all went well."""
    return command.run(
        "sentiment_cnn_lstm",
        __doc__,
        arguments,
        _work,
        epochs="default 12, with --data 5",
        data="reviews, or a TSV or CSV file",
        words=reviews.LABELS,
    )


def network(words: int, classes: int, many: bool, seed: int) -> md.Model:
    """A compiled model; sigmoid for two classes, else softmax."""
    two = classes == 2
    model = md.Model(
        [
            md.layers.Embedding(words, 64),
            md.layers.Dropout(0.5),
            md.layers.Conv1D(64, 5, padding="same", activation="relu"),
            md.layers.MaxPooling1D(4),
            md.layers.LSTM(64),
            md.layers.Dropout(0.3),
            md.layers.Dense(1 if two else classes, activation="sigmoid" if two else "softmax"),
        ],
        seed=seed,
    )
    model.compile(
        optimizer=md.optimizers.Adam(learning_rate=1e-3 if many else 5e-3, clipnorm=1.0),
        loss="binary_crossentropy" if two else "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def _work(options: argparse.Namespace) -> Any:
    found = reviews.read(options.data, options.seed)
    vocabulary, length = reviews.numbered(found, 20_000)
    model = network(len(vocabulary), len({*found.train.labels}), found.many, options.seed)
    model.build((length,))
    model.summary()
    classifier = md.text.TextClassifier(model, vocabulary, length)
    epochs = options.epochs or (5 if found.many else 12)
    # Stops at no epoch before the last; ends with the weights of the best.
    best = md.callbacks.EarlyStopping(
        monitor="val_accuracy", patience=epochs, restore_best_weights=True
    )
    start = time.perf_counter()
    history = classifier.fit(
        *_together(found.train, found.validation),
        batch_size=64 if found.many else 32,
        epochs=epochs,
        validation_split=_share(found),
        callbacks=[best],
    )
    print(f"{len(history.epoch)} epochs in {time.perf_counter() - start:.2f} s")
    return reviews.report(
        classifier,
        history,
        found,
        best.best_epoch,
        options.out / "sentiment_cnn_lstm.safetensors",
    )


def _together(train: md.text.Texts, validation: md.text.Texts) -> tuple[list[str], list[Any]]:
    """`validation_split` takes the last samples, before anything is shuffled."""
    return train.texts + validation.texts, [*train.labels, *validation.labels]


def _share(found: reviews.Reviews) -> float:
    """The split that gives back exactly the validation set."""
    validation, every = len(found.validation.texts), len(found.train.texts)
    # Half a sample more, since the boundary is rounded down.
    return (validation - 0.5) / (every + validation)


if __name__ == "__main__":
    raise SystemExit(main())
