"""Reviews with their sentiment for the two examples, and what both tell about a trained model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import mundur as md
from mundur.examples import command
from mundur.examples.command import DataError
from mundur.text import TextClassifier, Texts

Array = npt.NDArray[Any]

# Words of a text that count: as many as hold 95% of the texts whole, but never more.
_LONGEST = 400
# Of the shipped sentences so many belong together, see SENTENCES.md.
_GROUP = 4
_NEW = {
    "id": [
        "Filmnya lucu dan sangat bagus.",
        "Pelayanannya lambat dan makanannya tidak enak.",
        "Kopinya gak bagus.",
        "Hotelnya tidak buruk.",
    ],
    "en": [
        "A wonderful film, I loved it.",
        "The plot was boring and the acting terrible.",
        "Not bad at all.",
        "The tea isn't good.",
    ],
}
_JUJUR = """\
Kalimat dari satu tangan dengan beberapa ratus kata: yang dikatakan model seperti ini tentang ulasan
sesungguhnya hampir sama dengan menebak, lihat SENTENCES.md di mundur.text."""
_HONEST = """\
Sentences of one hand and of a few hundred words: what such a model says about reviews in the world
is little better than guessing, see SENTENCES.md of mundur.text."""
LABELS = {
    r"epoch (\d+), whose weights stay": r"epoch \1, yang bobotnya dipakai",
    r"(\d+) texts to train on, (\d+) to validate, (\d+) to test; (\d+) words, (\d+) of a text": (
        r"\1 teks latih, \2 validasi, \3 uji; \4 kata, \5 dari tiap teks"
    ),
    r"(\d+) epochs in (\S+) s": r"\1 epoch dalam \2 s",
    r"test accuracy: (\S+) of (\d+) texts, macro-F1 (\S+), with the weights of epoch (\d+), the "
    r"best on the validation set": (
        r"akurasi uji: \1 dari \2 teks, macro-F1 \3, dengan bobot epoch \4, yang terbaik pada "
        r"himpunan validasi"
    ),
    r"  (\S+) of the (\d+) that deny, in patterns that training never saw": (
        r"  \1 dari \2 kalimat ingkar, dengan pola yang tidak ada dalam pelatihan"
    ),
    r"  (\S+) of the (\d+) of the 300 sentences that no pattern made": (
        r"  \1 dari \2 yang termasuk 300 kalimat tanpa pola"
    ),
    r"wrote (.*); the loaded model predicts the same": (
        r"ditulis: \1; model yang dimuat menebak sama"
    ),
    **command.lines(_HONEST, _JUJUR),
}


class Reviews(NamedTuple):
    """Texts and labels in three parts, sentences that are in none, and what kind of set it is.

    That is whether there are many, and which of the shipped ones deny, by their text.
    """

    train: Texts
    validation: Texts
    test: Texts
    new: list[str]
    many: bool
    denying: frozenset[str] = frozenset()


def read(path: Path | None, seed: int) -> Reviews:
    """Reviews under a path, or the sentences that ship with the package.

    Of those, whole groups and whole patterns are held out, not fillings of patterns that are known.

    What has no test set gives a tenth for it, the small set a fifth; what has no validation set
    gives a tenth of what is left to train on.
    """
    if path is None:
        composed = md.text.load_negations()
        given = md.text.load_sentences()
        every = Texts(given.texts + composed.texts, [*given.labels, *composed.labels])
        corpus = md.text.Corpus(every, None, None)
    else:
        try:
            corpus = md.text.load_corpus(path)
        except (OSError, ValueError) as error:
            raise DataError(str(error)) from error
    rng = np.random.default_rng(seed)
    train, validation, test = corpus
    groups: Sequence[int] = range(len(train.texts))
    denying: frozenset[str] = frozenset()
    if path is None:
        groups = _shipped_groups(len(given.texts), composed.patterns)
        denying = frozenset(t for t, no in zip(composed.texts, composed.negated, strict=True) if no)
    if test is None:
        train, test, groups = _parted(train, groups, 0.1 if path else 0.2, rng)
    if validation is None:
        train, validation, _ = _parted(train, groups, 0.1, rng)
    if len({*train.labels}) < 2 or not (validation.texts and test.texts):
        raise DataError(f"{path}: too few texts, {len(train.texts)} to train on")
    indonesian = path is None or "negatif" in train.labels or "neutral" in train.labels
    new = [*(_NEW["id"] if indonesian else ()), *(() if indonesian and path else _NEW["en"])]
    many = path is not None and len(train.texts) > 1000
    return Reviews(train, validation, test, new, many, denying)


def _shipped_groups(sentences: int, patterns: list[str]) -> list[int]:
    """Of each text the group that it is not parted from: neighbours, then what has one pattern."""
    first = [row // _GROUP for row in range(sentences)]
    numbers = {pattern: first[-1] + 1 + i for i, pattern in enumerate(dict.fromkeys(patterns))}
    return first + [numbers[pattern] for pattern in patterns]


def _parted(
    texts: Texts, groups: Sequence[int], share: float, rng: np.random.Generator
) -> tuple[Texts, Texts, list[int]]:
    """Groups in a random order, without those that hold a share of all; that share; the former's.

    Groups are as large as they are: a share is what comes nearest from below.
    """
    members: dict[int, list[int]] = {}
    for row, group in enumerate(groups):
        members.setdefault(group, []).append(row)
    most = int(len(texts.texts) * share)
    first: list[int] = []
    second: list[int] = []
    for group in rng.permutation(list(members)):
        rows = members[group]
        (second if len(second) + len(rows) <= most else first).extend(rows)
    return _chosen(texts, first), _chosen(texts, second), [groups[row] for row in first]


def _chosen(texts: Texts, rows: list[int]) -> Texts:
    labels: Any = [texts.labels[row] for row in rows]
    return Texts([texts.texts[row] for row in rows], labels)


def numbered(reviews: Reviews, words: int) -> tuple[md.text.Vocabulary, int]:
    """A vocabulary of the training texts, and how many words of a text should count."""
    vocabulary = md.text.Vocabulary(words).fit(reviews.train.texts)
    lengths = [len(row) for row in vocabulary.sequences(reviews.train.texts)]
    length = min(int(np.quantile(lengths, 0.95)), _LONGEST)
    print(
        f"{len(reviews.train.texts)} texts to train on, {len(reviews.validation.texts)} to "
        f"validate, {len(reviews.test.texts)} to test; {len(vocabulary)} words, {length} of a text"
    )
    return vocabulary, max(length, 8)


def report(
    classifier: TextClassifier, history: md.History, reviews: Reviews, best: int, path: Path
) -> Any:
    """Tells of the test set and of new sentences, saves and loads the model, draws the curves."""
    predicted = classifier.predict(reviews.test.texts, 256, verbose=0)
    labels = [label for label, _ in predicted]
    score = accuracy(reviews.test.labels, labels)
    print(
        f"test accuracy: {score:.2%} of {len(labels)} texts, macro-F1 "
        f"{macro_f1(reviews.test.labels, labels):.4f}, with the weights of epoch {best + 1}, the "
        "best on the validation set"
    )
    if reviews.denying:
        _tell_of_negations(reviews, labels)
    for text, (label, probability) in zip(
        reviews.new, classifier.predict(reviews.new, verbose=0), strict=True
    ):
        print(f"  {label} ({probability:.0%}): {text}")
    classifier.save(path)
    if TextClassifier.load(path).predict(reviews.new, verbose=0) != classifier.predict(
        reviews.new, verbose=0
    ):
        raise RuntimeError("the loaded model predicts something else")
    print(f"wrote {path.resolve()}; the loaded model predicts the same")
    axes = history.plot()
    for axis in axes:
        label = f"epoch {best + 1}, whose weights stay"
        axis.axvline(best + 1, color="0.4", linestyle=":", linewidth=1, label=label)
        axis.legend()
    return axes[0].figure


def _tell_of_negations(reviews: Reviews, labels: list[Any]) -> None:
    plain = {*md.text.load_sentences().texts}
    for what, chosen in (
        ("that deny, in patterns that training never saw", reviews.denying),
        ("of the 300 sentences that no pattern made", plain),
    ):
        rows = [row for row, text in enumerate(reviews.test.texts) if text in chosen]
        share = accuracy([reviews.test.labels[row] for row in rows], [labels[row] for row in rows])
        print(f"  {share:.2%} of the {len(rows)} {what}")
    print(_HONEST)


def accuracy(truth: list[Any], labels: list[Any]) -> float:
    """The share of labels that are right."""
    return float(np.mean([a == b for a, b in zip(truth, labels, strict=True)]))


def macro_f1(truth: list[Any], labels: list[Any]) -> float:
    """F1 = 2 TP / (2 TP + FP + FN) of each label, and of these the mean."""
    pairs = list(zip(truth, labels, strict=True))
    scores = []
    for label in sorted({*truth}):
        right = sum(a == b == label for a, b in pairs)
        either = sum((a == label) + (b == label) for a, b in pairs)
        scores.append(2 * right / either)
    return float(np.mean(scores))
