"""Vocabularies: words as integers and back, for texts of any language and any length."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from typing import Any

import mundur as md
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

tokenizers = pytest.importorskip("tokenizers")

from mundur.text import Vocabulary  # noqa: E402 - behind the skip

TEXTS = ["Filmnya bagus sekali!", "The film isn't good.", "我爱你", "हिन्दी फिल्म", "", "bagus 👍"]


def test_words_are_numbered_by_frequency_then_by_spelling() -> None:
    vocabulary = Vocabulary().fit(["b a b", "c b a"])
    assert vocabulary.words == ["[PAD]", "[UNK]", "b", "a", "c"]
    assert len(vocabulary) == 5
    assert vocabulary.encode(["c x b"]).tolist() == [[4, 1, 2]]


def test_the_same_texts_give_the_same_vocabulary() -> None:
    rng = np.random.default_rng(0)
    texts = [" ".join(f"w{n}" for n in rng.zipf(1.3, 50) % 997) for _ in range(3000)]
    first = Vocabulary(500).fit(texts).to_json()
    code = (
        "import sys, json, hashlib, mundur.text as t;"
        "print(hashlib.sha256(t.Vocabulary(500).fit(json.load(sys.stdin)).to_json().encode())"
        ".hexdigest())"
    )
    import hashlib

    for parallel in ("true", "false"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            input=json.dumps(texts[::-1]),  # their order does not count
            capture_output=True,
            text=True,
            check=True,
            env={**__import__("os").environ, "TOKENIZERS_PARALLELISM": parallel},
            timeout=100,
        )
        assert done.stdout.strip() == hashlib.sha256(first.encode()).hexdigest()


def test_words_of_many_languages() -> None:
    vocabulary = Vocabulary().fit(TEXTS)
    assert {"bagus", "isn't", "我", "爱", "हिन्दी", "👍", "!"} <= set(vocabulary.words)
    assert vocabulary.decode(vocabulary.encode(TEXTS)) == [
        "filmnya bagus sekali !",
        "the film isn't good .",
        "我 爱 你",
        "हिन्दी फिल्म",
        "",
        "bagus 👍",
    ]


def test_composed_and_decomposed_letters_are_the_same() -> None:
    vocabulary = Vocabulary().fit(["caf\u00e9"])
    assert vocabulary.encode(["cafe\u0301"]).tolist() == [[2]]


def test_options() -> None:
    texts = ["Bagus, bagus!<br /><br/>Ya 👍"]
    assert Vocabulary().fit(texts).words[2:] == ["bagus", "!", ",", "ya", "👍"]
    assert Vocabulary(lowercase=False).fit(texts).words[2:] == [
        "!",
        ",",
        "Bagus",
        "Ya",
        "bagus",
        "👍",
    ]
    assert Vocabulary(punctuation=False).fit(texts).words[2:] == ["bagus", "ya", "👍"]
    assert Vocabulary(min_count=2).fit(texts).words[2:] == ["bagus"]
    assert Vocabulary(max_size=4).fit(texts).words[2:] == ["bagus", "!"]


def test_no_text_spells_a_reserved_word() -> None:
    texts = ["[PAD] [UNK]", "[PAD]"]
    for lowercase in (True, False):
        vocabulary = Vocabulary(lowercase=lowercase).fit(texts)
        assert vocabulary.encode(texts).min() >= 0
        for row in vocabulary.sequences(texts):
            assert (row > 1).all()


def test_padding_and_cutting() -> None:
    vocabulary = Vocabulary().fit(["a a a b b c"])
    texts = ["a b c", "c", ""]
    assert vocabulary.encode(texts, 2).tolist() == [[3, 4], [0, 4], [0, 0]]
    after = vocabulary.encode(texts, 2, padding="post", truncating="post")
    assert after.tolist() == [[2, 3], [4, 0], [0, 0]]
    assert vocabulary.encode(texts).tolist() == [[2, 3, 4], [0, 0, 4], [0, 0, 0]]
    assert vocabulary.encode([""]).tolist() == [[0]]
    assert vocabulary.encode([], 3).shape == (0, 3)
    assert vocabulary.encode(texts).dtype == np.int32


@pytest.mark.slow
def test_a_very_long_text() -> None:
    vocabulary = Vocabulary().fit(["a b"])
    ids = vocabulary.encode(["a " * 1_000_000 + "b"], 3)
    assert ids.tolist() == [[2, 2, 3]]
    assert vocabulary.encode(["x" * 3_000_000], 2).tolist() == [[0, 1]]


def test_more_texts_than_are_tokenized_at_a_time() -> None:
    vocabulary = Vocabulary().fit(["a b"])
    texts = ["a" if i % 3 else "b a" for i in range(2500)]
    assert vocabulary.encode(texts, 2).tolist() == [
        [0, 2] if i % 3 else [3, 2] for i in range(2500)
    ]
    texts[2100] = "\ud800"
    with pytest.raises(ValueError, match=r"texts\[2100\] is not sound Unicode"):
        vocabulary.encode(texts)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.text(), max_size=4))
def test_any_text_at_all(texts: list[str]) -> None:
    vocabulary = Vocabulary(lowercase=False).fit([*texts, "x"])
    decoded = vocabulary.decode(vocabulary.encode(texts))
    assert vocabulary.encode(decoded).tolist() == vocabulary.encode(texts).tolist()
    assert not any((row == 1).any() for row in vocabulary.sequences(texts))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (None, "got None .*missing"),
        (float("nan"), "got nan .*missing"),
        (3, r"got 3 \(int\)"),
        (b"abc", "got b'abc' .*decode it first"),
        (["a"], ".*list"),
    ],
)
def test_rows_that_are_no_text(row: Any, words: str) -> None:
    for method in (Vocabulary().fit, Vocabulary().fit(["a"]).encode):
        with pytest.raises(TypeError, match=r"texts\[1\] must be text; " + words):
            method(["a", row])


def test_other_bad_arguments() -> None:
    vocabulary = Vocabulary().fit(["a b"])
    with pytest.raises(
        TypeError, match=r"list of texts; got str; for a single text write \[text\]"
    ):
        vocabulary.encode("a b")
    with pytest.raises(TypeError, match="list of texts; got int"):
        vocabulary.encode(3)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="call fit"):
        Vocabulary().encode(["a"])
    with pytest.raises(ValueError, match="hold no word that occurs 1 times, in 2 rows"):
        Vocabulary().fit(["", " "])
    with pytest.raises(ValueError, match="max_size must be >= 3"):
        Vocabulary(2)
    with pytest.raises(TypeError, match="did you mean 'max_size'"):
        Vocabulary(maxsize=7)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match='padding must be "pre" or "post"'):
        vocabulary.encode(["a"], padding="left")
    with pytest.raises(ValueError, match="length must be >= 1"):
        vocabulary.encode(["a"], 0)
    with pytest.raises(ValueError, match=r"ids\[0\] holds 9, outside of \[0, 4\)"):
        vocabulary.decode([[9]])
    with pytest.raises(ValueError, match=r"shape \(samples, length\)"):
        vocabulary.decode(np.zeros(3, int))
    with pytest.raises(TypeError, match=r"ids\[0\] must be a row of integers"):
        vocabulary.decode([[0.5]])


def test_copies_hold_the_same_words() -> None:
    vocabulary = Vocabulary(50, min_count=1, lowercase=False).fit(TEXTS)
    for other in (
        pickle.loads(pickle.dumps(vocabulary)),
        copy.deepcopy(vocabulary),
        Vocabulary.from_json(vocabulary.to_json(), **vocabulary.get_config()),
    ):
        assert other.to_json() == vocabulary.to_json()
        assert repr(other) == repr(vocabulary)
        assert np.array_equal(other.encode(TEXTS), vocabulary.encode(TEXTS))
    assert repr(eval(repr(vocabulary))) == repr(vocabulary)
    assert repr(pickle.loads(pickle.dumps(Vocabulary(7)))) == repr(Vocabulary(7))


def changed(**parts: Any) -> str:
    document = json.loads(Vocabulary().fit(["a b"]).to_json())
    document["model"] |= parts.pop("model", {})
    return json.dumps(document | parts)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        changed()[:-1],
        changed(model={"type": "BPE"}),
        changed(model={"vocab": {"[PAD]": 0, "[UNK]": 1, "a": 3}}),
        changed(model={"vocab": {"[UNK]": 0, "[PAD]": 1}}),
        changed(model={"vocab": {"[PAD]": 0, "[UNK]": 1, "a": "2"}}),
        changed(model={"vocab": [1, 2]}),
        changed(model={"unk_token": "a"}),
        changed(added_tokens=[{"id": 0, "content": "a"}]),
        changed(padding={"strategy": {"Fixed": 10**9}}),
        changed(pre_tokenizer={"type": "Nonsense"}),
        changed(pre_tokenizer={"type": "Split", "pattern": {"Regex": "("}}),
    ],
)
def test_json_that_is_no_vocabulary(text: str) -> None:
    with pytest.raises(ValueError, match="vocabulary"):
        Vocabulary.from_json(text)


def test_the_import_leaves_tokenizers_alone() -> None:
    code = "import sys, mundur.text; print('tokenizers' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=100
    )
    assert done.stdout.strip() == "False"


def test_without_the_extra(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ImportError, match=r"pip install mundur\[text\]"):
        Vocabulary().fit(["a"])


# ---- pad_sequences ------------------------------------------------------------------------------


@pytest.mark.keras
def test_pad_sequences_as_keras(rng: np.random.Generator) -> None:
    keras = pytest.importorskip("keras")
    rows = [rng.integers(1, 99, n).tolist() for n in (0, 1, 5, 9)]
    for maxlen in (None, 1, 5, 12):
        for padding in ("pre", "post"):
            for truncating in ("pre", "post"):
                options = {"maxlen": maxlen, "padding": padding, "truncating": truncating}
                expected = keras.utils.pad_sequences(rows, **options)
                assert np.array_equal(md.utils.pad_sequences(rows, **options), expected)
