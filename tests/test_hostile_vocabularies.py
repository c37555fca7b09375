"""A tokenizer's JSON in a file: only what our vocabularies write, and no panic is heard."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur.saving import description  # files made by hand
from mundur.saving import format as files  # its parts make damaged files
from mundur.text import TextClassifier, Vocabulary

TEXTS = ["a good one, it's", "a poor one 中"]


@pytest.fixture(scope="module")
def made() -> TextClassifier:
    chain = [md.layers.Embedding(20, 2), md.layers.GlobalAveragePooling1D(), md.layers.Dense(1)]
    one = TextClassifier(md.Model(chain, seed=0), length=3)
    one.fit(TEXTS, ["yes", "no"], epochs=1, verbose=0)
    return one


# Each of these alone makes `Tokenizer.from_str`, or the first text, panic.
PANICS: dict[str, dict[str, Any]] = {
    "charsmap": {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"}},
    "no charsmap": {"normalizer": {"type": "Precompiled", "precompiled_charsmap": ""}},
    "base64": {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "!!"}},
    "length 0": {"pre_tokenizer": {"type": "FixedLength", "length": 0}},
}
OTHERS: dict[str, dict[str, Any]] = {
    "none": {"normalizer": None},
    "no splitting": {"pre_tokenizer": None},
    "another": {"normalizer": {"type": "NFC"}},
    "regex": {"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(a+)+$"}}},
    "slow": {
        "pre_tokenizer": {
            "type": "Split",
            "pattern": {"Regex": "(a+)+$"},
            "behavior": "Removed",
            "invert": True,
        }
    },
    "decoder": {"decoder": {"type": "CTC"}},
    "list": {"normalizer": []},
    "text": {"normalizer": "Sequence"},
    "empty": {"normalizer": {}},
}


def hostile(made: TextClassifier, text: str, path: Path) -> Path:
    tensors: dict[str, Any] = {}
    assert made.model is not None
    document = description.describe(made.model, tensors)
    tensors["text/vocabulary"] = np.frombuffer(text.encode(), np.uint8)
    path.write_bytes(files._pack(tensors, json.dumps(document)))
    return path


@pytest.mark.parametrize("change", [*PANICS, *OTHERS])
def test_what_no_vocabulary_writes(
    change: str, made: TextClassifier, tmp_path: Path, capfd: Any
) -> None:
    document = json.loads(made.vocabulary.to_json()) | {**PANICS, **OTHERS}[change]
    path = hostile(made, json.dumps(document), tmp_path / "hostile.st")
    with pytest.raises(ValueError, match=r"hostile\.st' does not describe a model of texts: no vo"):
        md.load_model(path)
    assert capfd.readouterr() == ("", "")


def numbered(**words: Any) -> dict[str, Any]:
    vocab = {"[PAD]": 0, "[UNK]": 1} | words
    return {"model": {"type": "WordLevel", "vocab": vocab, "unk_token": "[UNK]"}}


@pytest.mark.parametrize(
    "change",
    [
        numbered(a=2.0),
        numbered(a=True),
        numbered(a=3),
        numbered(a=-1),
        numbered(a=2**64),
        numbered(a="2"),
        numbered(a=None),
        numbered(**{"\ud800": 2}),
        {"model": {"type": "WordLevel", "vocab": [], "unk_token": "[UNK]"}},
        {"model": None},
        {"added_tokens": [{"id": 5}]},
        {"padding": {"strategy": "BatchLongest"}},
    ],
)
def test_words_are_numbered(change: Any, made: TextClassifier, tmp_path: Path, capfd: Any) -> None:
    document = json.loads(made.vocabulary.to_json()) | change
    path = hostile(made, json.dumps(document), tmp_path / "hostile.st")
    with pytest.raises(ValueError, match=r"hostile\.st' does not describe a model of texts"):
        md.load_model(path)
    assert capfd.readouterr() == ("", "")


def test_lower_case_is_that_of_the_arguments(made: TextClassifier) -> None:
    text = made.vocabulary.to_json()
    with pytest.raises(ValueError, match=r"its normalizer is not that of Vocabulary\(max_size=20"):
        Vocabulary.from_json(text, lowercase=False)
    with pytest.raises(ValueError, match="its pre_tokenizer is not that of"):
        Vocabulary.from_json(text, punctuation=False)


@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("punctuation", [True, False])
def test_sound_ones_come_back_to_the_byte(lowercase: bool, punctuation: bool) -> None:
    one = Vocabulary(50, lowercase=lowercase, punctuation=punctuation).fit(TEXTS)
    other = Vocabulary.from_json(one.to_json(), **one.get_config())
    assert other.to_json() == one.to_json()
    assert other.words == one.words
    texts = ["A GOOD one, don't!<br/>中文 \u00e9e\u0301", "", "poor 5%"]
    assert (other.encode(texts) == one.encode(texts)).all()


def test_other_releases_of_the_library_may_name_more(made: TextClassifier) -> None:
    document = json.loads(made.vocabulary.to_json())
    document["pre_tokenizer"]["new"] = 5
    del document["pre_tokenizer"]["invert"]
    other = Vocabulary.from_json(json.dumps(document))
    assert (other.encode(TEXTS) == made.vocabulary.encode(TEXTS)).all()


def test_a_thousand_misprints(made: TextClassifier, capfd: Any) -> None:
    text, rng = made.vocabulary.to_json(), random.Random(0)
    for _ in range(1000):
        signs = list(text)
        for _ in range(rng.randint(1, 3)):
            place = rng.randrange(len(signs))
            signs[place : place + rng.randint(0, 4)] = rng.choice(
                ["", "(", "[", "{", '"', "\\\\p{", "*", "{99999}", "1", "null", "\\ud800", "(?<"]
            )
        try:
            other = Vocabulary.from_json("".join(signs))
        except ValueError:
            continue
        other.encode(TEXTS)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("text", ["a" * 4_000_000, "a" + " " * 4_000_001 + "b"])
def test_endless_runs_are_refused_in_a_sentence(
    text: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """The tokenizer would give up over them, with a panic's text on stderr."""
    vocabulary = md.text.Vocabulary().fit(["a b"])
    for call in (vocabulary.encode, md.text.Vocabulary().fit):
        with pytest.raises(ValueError, match=r"texts\[1\] can't be split into words"):
            call(["a", text])
    assert capfd.readouterr().err == ""


def test_a_fifo_is_no_archive(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ValueError, match="is no ordinary file"):
        md.text.load_aclimdb(tmp_path / "fifo")


def test_labels_have_64_bits() -> None:
    with pytest.raises(ValueError, match=r"labels\[0\] must be <= 9223372036854775807"):
        md.text.TextClassifier().fit(["a", "b"], [2**63, 1])
