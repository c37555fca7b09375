"""Texts and labels in, labels and probabilities out; and the file that holds all of it."""

from __future__ import annotations

import copy
import json
import pickle
import sys
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import pytest

pytest.importorskip("tokenizers")

from mundur.saving import format as files  # its parts make damaged files
from mundur.text import TextClassifier, Vocabulary, load_sentences

TEXTS = ["bagus sekali", "jelek", "sangat bagus", "jelek sekali", "biasa saja", "biasa"]
LABELS = ["positif", "negatif", "positif", "negatif", "netral", "netral"]
TWO = (TEXTS[:4], LABELS[:4])


def layers(outputs: int = 3, activation: str | None = None, ids: int = 50) -> list[Any]:
    return [
        md.layers.Embedding(ids, 8),
        md.layers.Flatten(),
        md.layers.Dense(outputs, activation=activation),
    ]


def fitted(
    outputs: int = 3, activation: str | None = None, epochs: int = 60, **options: Any
) -> TextClassifier:
    options = {"optimizer": md.optimizers.Adam(0.02), "seed": 3, "vocabulary": 50} | options
    made = TextClassifier(layers(outputs, activation), **options)
    data = (TEXTS, LABELS) if outputs == 3 else TWO
    made.fit(*data, epochs=epochs, verbose=0)
    return made


@pytest.mark.parametrize(
    ("outputs", "activation"),
    [(3, None), (3, "softmax"), (2, None), (2, "softmax"), (1, None), (1, "sigmoid")],
)
def test_every_head_learns_and_gives_probabilities(outputs: int, activation: Any) -> None:
    made = fitted(outputs, activation)
    texts, labels = (TEXTS, LABELS) if outputs == 3 else TWO
    assert made.labels == tuple(sorted(set(labels)))
    predicted = made.predict(texts)
    assert [label for label, _ in predicted] == labels
    probabilities = made.predict_proba(texts)
    assert probabilities.shape == (len(texts), len(set(labels)))
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert [p for _, p in predicted] == probabilities.max(axis=1).tolist()
    loss, accuracy = made.evaluate(texts, labels, verbose=0)
    chosen = probabilities[np.arange(len(texts)), [made.labels.index(label) for label in labels]]
    assert accuracy == 1.0
    assert loss == pytest.approx(-np.log(chosen).mean(), rel=1e-4)


def test_the_default_model_learns_the_shipped_sentences() -> None:
    texts, labels = load_sentences()
    made = TextClassifier(seed=0)
    made.fit(texts, labels, epochs=15, verbose=0)
    assert made.evaluate(texts, labels, return_dict=True, verbose=0)["accuracy"] > 0.9
    kinds = [type(layer).__name__ for layer in made.model.layers]  # type: ignore[union-attr]
    for kind in ("Embedding", "Conv1D", "MaxPooling1D", "LSTM", "Dense"):
        assert kind in kinds


def test_empty_long_and_unknown_texts_are_ordinary() -> None:
    made = fitted(length=4)
    predicted = made.predict(["", "bagus " * 100_000, "kata tak dikenal", "\u200b"])
    assert len(predicted) == 4
    assert all(label in made.labels and 0 <= p <= 1 for label, p in predicted)
    assert made.predict("bagus bagus bagus bagus") == predicted[1]
    assert made.predict([]) == []
    assert made.predict_proba([]).shape == (0, 3)
    made.fit(["", "x"], ["netral", "positif"], verbose=0)


def test_labels_may_be_integers() -> None:
    for labels in ([7, -1, 7, -1], np.array([7, -1, 7, -1]), np.array([[7.0], [-1], [7], [-1]])):
        made = TextClassifier(layers(2), 50, seed=0).fit(TEXTS[:4], labels, 300, 300, 0)
        assert made.stop_reason == "epochs"
    made = fitted(2)
    classifier = TextClassifier(layers(2), 50, seed=0, optimizer=md.optimizers.Adam(0.02))
    classifier.fit(TEXTS[:4], [True, False, True, False], epochs=60, verbose=0)
    assert classifier.labels == (0, 1)
    assert [label for label, _ in classifier.predict(TEXTS[:4])] == [1, 0, 1, 0]
    assert made.labels == ("negatif", "positif")


def test_frames_and_series_serve_as_texts_and_labels() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": TEXTS, "label": LABELS})
    made = TextClassifier(layers(), 50, seed=0)
    made.fit(frame["text"], frame["label"], epochs=1, verbose=0)
    assert len(made.predict(frame["text"])) == 6


def test_the_length_follows_the_texts() -> None:
    texts = ["a b"] * 95 + ["c " * 30] * 5
    for extra, length in ((0, 8), (1, 30), (1, 30)):
        some = texts + ["d " * 30] * extra
        made = TextClassifier(layers(1), 50, seed=0)
        made.fit(some, [i % 2 for i in range(len(some))], epochs=1, verbose=0)
        assert made.length == length
    made = TextClassifier(layers(1), 50, 3, seed=0)
    made.fit(*TWO, epochs=1, verbose=0)
    assert made.length == 3
    made = TextClassifier(layers(1), 50, seed=0)
    made.fit(["x " * 1000, "y"], [0, 1], epochs=1, verbose=0)
    assert made.length == 400


def test_sides() -> None:
    made = fitted(length=2, padding="post", truncating="post")
    ids = made.encode(["biasa", "biasa saja sekali"])
    assert ids[0, 1] == 0 and (ids[1] != 0).all()
    assert ids[1].tolist() == made.encode(["biasa saja"])[0].tolist()


def test_validation_data_and_split() -> None:
    made = TextClassifier(layers(), 50, seed=0)
    history = made.fit(TEXTS, LABELS, verbose=0, validation_data=(TEXTS[:2], LABELS[:2]))
    assert len(history.history["val_accuracy"]) == 5
    weighted = made.fit(TEXTS, LABELS, verbose=0, validation_data=(TEXTS, LABELS, np.ones(6)))
    assert weighted.history["val_loss"]
    assert made.fit(TEXTS, LABELS, validation_split=0.5, verbose=0).history["val_loss"]


def test_class_weights_by_label() -> None:
    def after(class_weight: Any, sample_weight: Any = None) -> Any:
        made = TextClassifier(layers(), 50, seed=0)
        made.fit(
            [*TEXTS, "bagus"],
            [*LABELS, "positif"],
            epochs=3,
            verbose=0,
            class_weight=class_weight,
            sample_weight=sample_weight,
        )
        return made.model.get_weights()[0]  # type: ignore[union-attr]

    by_sample = np.array([2.0 if label == "positif" else 1.0 for label in [*LABELS, "positif"]])
    assert np.array_equal(after({"positif": 2.0}), after(None, by_sample))
    balanced = {"positif": 7 / 9, "negatif": 7 / 6, "netral": 7 / 6}
    assert np.array_equal(after("balanced"), after(balanced))
    for wrong, error in (({"x": 1.0}, ValueError), ("even", ValueError), ([1, 2], TypeError)):
        with pytest.raises(error, match="class_weight"):
            after(wrong)


def test_a_second_fit_goes_on() -> None:
    made = fitted(epochs=2)
    words, weights = made.vocabulary.words, made.model.get_weights()  # type: ignore[union-attr]
    made.fit(["kata baru", "bagus"], ["netral", "positif"], epochs=1, verbose=0)
    assert made.vocabulary.words == words
    assert made.model.epochs_begun == 3  # type: ignore[union-attr]
    after = made.model.get_weights()  # type: ignore[union-attr]
    assert not np.array_equal(after[-1], weights[-1])
    with pytest.raises(ValueError, match=r"labels\[1\] is 'lain', none of the labels 'negatif'"):
        made.fit(["a", "b"], ["netral", "lain"], verbose=0)


def test_a_fitted_vocabulary_and_a_compiled_model_stay_as_they_are() -> None:
    vocabulary = Vocabulary(50).fit(TEXTS)
    model = md.Model(layers(3, "softmax"), seed=0)
    model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
    made = TextClassifier(model, vocabulary)
    made.fit(["bagus", "jelek", "x"], ["a", "b", "c"], epochs=1, verbose=0)
    assert made.vocabulary is vocabulary
    assert made.model is model
    assert type(model.optimizer).__name__ == "SGD"
    assert made.evaluate(["bagus"], ["a"], verbose=0)[0] > 0


def test_a_model_trained_by_hand_and_its_labels(tmp_path: Path) -> None:
    vocabulary = Vocabulary().fit(TEXTS)
    model = md.Model(layers(), seed=0)
    made = TextClassifier(model, vocabulary, 4, labels=["c", "a", "b"])
    outputs = model.predict(vocabulary.encode(TEXTS, 4))
    assert [label for label, _ in made.predict(TEXTS)] == ["cab"[i] for i in outputs.argmax(axis=1)]
    made.save(tmp_path / "a")
    assert md.load_model(tmp_path / "a").predict(TEXTS) == made.predict(TEXTS)
    for arguments, words in (
        ((model, vocabulary, None), "a model, a fitted vocabulary and a length"),
        ((model, Vocabulary(), 4), "a model, a fitted vocabulary and a length"),
        ((None, vocabulary, 4), "a model, a fitted vocabulary and a length"),
        ((model, vocabulary, 5), r"input_shape|must take \(5,\)"),
    ):
        with pytest.raises(ValueError, match=words):
            TextClassifier(*arguments, labels=["c", "a", "b"])
    with pytest.raises(ValueError, match="labels must be different"):
        TextClassifier(model, vocabulary, 4, labels=["a", "a", "b"])
    with pytest.raises(ValueError, match="for 2 labels the model must give"):
        TextClassifier(model, vocabulary, 4, labels=["a", "b"])


# ---- files --------------------------------------------------------------------------------------


def test_load_model_alone_predicts_a_sentence(tmp_path: Path) -> None:
    made = fitted(length=5, padding="post")
    path = tmp_path / "sentiment.safetensors"
    made.save(path)
    for other in (
        md.load_model(path),
        TextClassifier.load(path),
        md.load_model(path, compile=False),
        copy.deepcopy(made),
        pickle.loads(pickle.dumps(made)),
    ):
        assert isinstance(other, TextClassifier)
        assert other.predict("film yang bagus") == made.predict("film yang bagus")
        assert np.array_equal(other.predict_proba(TEXTS), made.predict_proba(TEXTS))
        assert (other.labels, other.length) == (made.labels, 5)
        assert repr(other) == repr(made)
    resumed, whole = md.load_model(path), made
    for one in (resumed, whole):
        one.fit(TEXTS, LABELS, epochs=2, verbose=0)
    assert np.array_equal(resumed.predict_proba(TEXTS), whole.predict_proba(TEXTS))
    with pytest.raises(FileExistsError):
        made.save(path, overwrite=False)


def test_the_same_classifier_is_the_same_file(tmp_path: Path) -> None:
    files = []
    for name in "ab":
        fitted().save(tmp_path / name)
        files.append((tmp_path / name).read_bytes())
    assert files[0] == files[1]
    md.load_model(tmp_path / "a").save(tmp_path / "c")
    assert (tmp_path / "c").read_bytes() == files[0]


def test_integer_labels_come_back_as_integers(tmp_path: Path) -> None:
    made = TextClassifier(layers(1), 50, seed=0)
    made.fit(TEXTS[:4], [3, 2**60, 3, 2**60], epochs=1, verbose=0)
    made.save(tmp_path / "a")
    assert md.load_model(tmp_path / "a").labels == (3, 2**60)


def test_checkpoints_hold_the_vocabulary_and_training_goes_on_from_them(tmp_path: Path) -> None:
    path = tmp_path / "best.safetensors"
    made = TextClassifier(layers(), 50, seed=0)
    keep = md.callbacks.ModelCheckpoint(path, monitor="loss")
    made.fit(TEXTS, LABELS, epochs=2, verbose=0, callbacks=[keep])
    assert md.load_model(path).predict(TEXTS) == made.predict(TEXTS)
    whole = TextClassifier(layers(), 50, seed=0)
    whole.fit(TEXTS, LABELS, epochs=4, verbose=0)
    resumed = md.load_model(path)
    resumed.fit(TEXTS, LABELS, epochs=4, verbose=0, resume_from=path)
    assert np.array_equal(resumed.predict_proba(TEXTS), whole.predict_proba(TEXTS))


def test_weights_go_from_a_classifier_into_a_plain_model(tmp_path: Path) -> None:
    made = fitted()
    made.save(tmp_path / "a")
    plain = md.Model(layers(), seed=9, input_shape=(made.length,))  # type: ignore[arg-type]
    plain.load_weights(tmp_path / "a")
    assert np.array_equal(
        plain.predict(made.encode(TEXTS)),
        made.model.predict(made.encode(TEXTS)),  # type: ignore[union-attr]
    )
    plain.save(tmp_path / "b")
    assert isinstance(md.load_model(tmp_path / "b"), md.Model)
    with pytest.raises(ValueError, match="holds a model without a vocabulary"):
        TextClassifier.load(tmp_path / "b")


def test_a_loss_of_ones_own_is_named(tmp_path: Path) -> None:
    class Mine(md.Loss):
        def __call__(self, y_true: Any, y_pred: Any) -> float:
            return float(np.mean((y_pred - y_true) ** 2))

        def gradient(self, y_true: Any, y_pred: Any) -> Any:
            return 2 * (y_pred - y_true) / y_pred.size

    model = md.Model(layers(3, "softmax"), seed=0)
    model.compile("adam", Mine())
    made = TextClassifier(model, 50)
    made.fit(TEXTS, LABELS, epochs=1, verbose=0)
    made.save(tmp_path / "a")
    loaded = TextClassifier.load(tmp_path / "a", {"Mine": Mine})
    assert loaded.predict(TEXTS) == made.predict(TEXTS)


def tampered(made: TextClassifier, change: Any) -> bytes:
    tensors: dict[str, Any] = {}
    assert made.model is not None
    from mundur.saving import description  # files made by hand

    document = description.describe(made.model, tensors)
    change(document, tensors)
    return files._pack(tensors, json.dumps(document))


def vocabulary_of(text: str) -> Any:
    def change(document: Any, tensors: Any) -> None:
        tensors["text/vocabulary"] = np.frombuffer(text.encode(), np.uint8)

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda d, t: t.pop("text/vocabulary"),
        lambda d, t: d.update(text=[]),
        lambda d, t: d.update(text={}),
        lambda d, t: d["text"].pop("labels"),
        lambda d, t: d["text"].update(labels="ab"),
        lambda d, t: d["text"].update(labels=["a"]),
        lambda d, t: d["text"].update(labels=["a", "a", "b"]),
        lambda d, t: d["text"].update(labels=["a", None, "b"]),
        lambda d, t: d["text"].update(labels=[["a"], ["b"], ["c"]]),
        lambda d, t: d["text"].update(labels=["a", "b"]),
        lambda d, t: d["text"].update(length=0),
        lambda d, t: d["text"].update(length=7),
        lambda d, t: d["text"].update(length="5"),
        lambda d, t: d["text"].update(padding="left"),
        lambda d, t: d["text"].update(truncating=[]),
        lambda d, t: d["text"].update(vocabulary={"max_size": -1}),
        lambda d, t: d["text"].update(vocabulary={"nonsense": 1}),
        lambda d, t: d["text"].update(vocabulary=None),
        lambda d, t: t.update({"text/vocabulary": np.zeros(3, np.float32)}),
        lambda d, t: t.update({"text/vocabulary": np.frombuffer(b"\xff", np.uint8)}),
        vocabulary_of("{}"),
        vocabulary_of(Vocabulary().fit([" ".join(f"w{i}" for i in range(90))]).to_json()),
    ],
)
def test_hostile_files(change: Any, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(tampered(fitted(epochs=1, length=5), change))
    with pytest.raises(ValueError, match=r"'.*/a' does not describe a model of texts"):
        md.load_model(path)


def test_a_file_of_texts_without_the_extra(tmp_path: Path, monkeypatch: Any) -> None:
    fitted(epochs=1).save(tmp_path / "a")
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ImportError, match=r"pip install mundur\[text\]"):
        md.load_model(tmp_path / "a")


# ---- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "labels", "words"),
    [
        (["a", None], [0, 1], r"texts\[1\] must be text; got None"),
        (["a", "b"], ["x", None], r"labels\[1\] must be text or a whole number; got None"),
        (["a", "b"], [0.5, 1], r"labels\[0\] must be text or a whole number; got 0.5"),
        (["a", "b"], ["x", 1], r"labels must be all texts or all integers; labels\[0\] is 'x'"),
        (["a", "b"], ["x"], "one label per text, 2; got 1"),
        (["a", "b"], ["x", "x"], r"two different ones or more; got \['x'\]"),
        (["a", "b"], 3, "list of labels; got int"),
        (["a", "b"], "xy", "list of labels; got str"),
        ("ab", ["x", "y"], "list of texts; got str"),
        ([], [], r"two different ones or more; got \[\]"),
        (["", " "], ["x", "y"], "hold no word"),
        (["a", "b"], ["x", "y"], r"for 2 labels the model must give \(1,\) or \(2,\) per text"),
        (["a"] * 4, [1, 2, 3, 4], r"for 4 labels the model must give \(4,\) per text"),
        (["a", "b"], np.ones((2, 2)), r"labels\[0\] must be text or a whole number"),
    ],
)
def test_texts_and_labels_that_are_none(texts: Any, labels: Any, words: str) -> None:
    made = TextClassifier(layers(3), 50, seed=0)
    with pytest.raises((TypeError, ValueError), match=words):
        made.fit(texts, labels, verbose=0)
    with pytest.raises(RuntimeError, match="knows no labels yet"):
        made.predict("a")


def test_models_that_do_not_suit() -> None:
    with pytest.raises(ValueError, match=r"must begin with an Embedding.*begins with Dense"):
        TextClassifier([md.layers.Dense(1)]).fit(*TWO, verbose=0)
    with pytest.raises(
        ValueError, match=r"input_dim=5\) holds fewer ids than .* pass vocabulary=5"
    ):
        TextClassifier(layers(2, ids=5)).fit(*TWO, verbose=0)
    model = md.Model(layers(2), seed=0)
    with pytest.raises(ValueError, match="seed is that of a model made here"):
        TextClassifier(model, seed=1)
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="compiled already"):
        TextClassifier(model, optimizer="adam")
    for wrong in (3, "LSTM", TextClassifier()):
        with pytest.raises(TypeError, match="model must be a Model or a list of layers"):
            TextClassifier(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="vocabulary must be an integer"):
        TextClassifier(vocabulary="words")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="padding must be"):
        TextClassifier(padding="left")
    with pytest.raises(ValueError, match="length must be >= 1"):
        TextClassifier(length=0)
    with pytest.raises(TypeError, match="did you mean 'vocabulary'"):
        TextClassifier(vocab=3)  # type: ignore[call-arg]


def test_other_calls_with_bad_arguments() -> None:
    made = fitted()
    with pytest.raises(TypeError, match=r"texts\[0\] must be text; got 3"):
        made.predict([3])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="list of texts; got int"):
        made.predict(3)  # type: ignore[call-overload]
    with pytest.raises(ValueError, match=r"labels\[0\] is 'x', none of"):
        made.evaluate(["a"], ["x"])
    with pytest.raises(TypeError, match=r"validation_data must be \(texts, labels\)"):
        made.fit(TEXTS, LABELS, validation_data=TEXTS)
    with pytest.raises(ValueError, match=r"validation_data\[1\]\[0\] is 'x'"):
        made.fit(TEXTS, LABELS, validation_data=(["a"], ["x"]))
    with pytest.raises(TypeError, match=r"validation_data\[0\]\[0\] must be text"):
        made.fit(TEXTS, LABELS, validation_data=([None], ["positif"]))
    with pytest.raises(TypeError, match="did you mean 'epochs'"):
        made.fit(TEXTS, LABELS, epoch=3)  # type: ignore[call-arg]
    with pytest.raises(RuntimeError, match="knows no labels yet"):
        TextClassifier().save("never")


def test_a_first_fit_that_fails_leaves_nothing_behind() -> None:
    texts, labels = md.text.load_sentences()
    classifier = TextClassifier(seed=0)
    with pytest.raises(ValueError, match="epochs"):
        classifier.fit(texts[:4], ["x", "y", "x", "y"], epochs=-1, verbose=0)
    assert classifier.model is None and not len(classifier.vocabulary)
    classifier.fit(texts, labels, epochs=1, verbose=0)
    assert set(classifier.labels) == set(labels)
