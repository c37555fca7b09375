"""Readers of labelled texts: what they read, and what they do with what is broken or hostile."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mundur as md
import pytest
from mundur import _core
from mundur.text import Texts, load_aclimdb, load_corpus, load_table

ROWS = [("bagus", "positif"), ("buruk sekali", "negatif"), ("", "negatif")]


def table(path: Path, data: str | bytes, encoding: str = "utf-8") -> Path:
    path.write_bytes(data if isinstance(data, bytes) else data.encode(encoding))
    return path


# ---- tables -------------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_tsv_without_titles(pack: Any, end: str, tmp_path: Path) -> None:
    text = "".join(f"{text}\t{label}{end}" for text, label in ROWS)
    path = table(tmp_path / "reviews", pack(text.encode()))
    texts, labels = load_table(path, 0, 1)
    assert texts == ["bagus", "buruk sekali", ""]
    assert labels == ["positif", "negatif", "negatif"]


def test_a_csv_with_titles_quotes_and_a_mark(tmp_path: Path) -> None:
    path = table(
        tmp_path / "reviews.csv",
        '\ufeffid, review ,sentiment\n1,"good, really\nso ""good""",1\n\n2,bad,0\n3,,1\n',
    )
    texts, labels = load_table(path, "review", "sentiment")
    assert texts == ['good, really\nso "good"', "bad", ""]
    assert labels == [1, 0, 1]
    assert load_corpus(path).train == Texts(texts, labels)


def test_columns_delimiters_and_quotes_as_told(tmp_path: Path) -> None:
    path = table(tmp_path / "a.txt", "label;text\nx;'a'\ny;\"b\n")
    assert load_table(path, delimiter=";", quoted=False).texts == ["'a'", '"b']
    assert load_table(path, 1, 0, delimiter=";", quoted=False, header=True).labels == ["x", "y"]
    assert load_table(path, 1, 0, delimiter=";", quoted=False).labels == ["label", "x", "y"]


def test_labels_are_numbers_only_where_all_are() -> None:
    assert md.text.tables.plain_labels(["1", "-2"]) == [1, -2]
    for labels in (["1", "x"], ["01", "1"], ["1.0", "0.0"]):
        assert md.text.tables.plain_labels(labels) == labels


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_a_text_longer_than_the_csv_module_likes(name: str, tmp_path: Path) -> None:
    before = csv.field_size_limit()
    sign = "," if name.endswith("csv") else "\t"
    path = table(tmp_path / name, "x" * 300_000 + f"{sign}1\ny{sign}0\n")
    assert [len(text) for text in load_table(path, 0, 1).texts] == [300_000, 1]
    assert csv.field_size_limit() == before


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"])
def test_encodings(encoding: str, tmp_path: Path) -> None:
    data = "text\tlabel\nna\u00efve\u2026\u00a0ok\tx\nb\ty\n"
    path = table(tmp_path / "a.tsv", data, encoding)
    assert load_table(path, encoding=encoding).texts == ["na\u00efve\u2026\u00a0ok", "b"]


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    path = table(tmp_path / "a.tsv", "a\u0085b\u2028c\x0bd\re\t1\nf\t0\n")
    assert load_table(path, 0, 1).texts == ["a\u0085b\u2028c\x0bd\re", "f"]


@pytest.mark.parametrize(
    ("data", "encoding", "words"),
    [
        (b"a\t1\nb\t0\nna\xefve\t1\n", "utf-8", r"line 3: not utf-8, byte 0xef .*'cp1252'"),
        (b"a\t1\n\x81\t0\n", "cp1252", "line 2: not cp1252, byte 0x81"),
        ("a\t1\n".encode("utf-16"), "utf-8", "line 1: not utf-8, byte 0xff .*'utf-16'"),
        ("a\t1\n".encode("utf-16")[:-1], "utf-16", "line 1: not utf-16"),
        (b"a\t1\n", "utf-88", "unknown encoding 'utf-88'"),
        (b"", "utf-8", "there are no rows"),
        (b"\n \n", "utf-8", "there are no rows"),
        (b"a\t1\nb\n", "utf-8", "line 2: expected 2 fields, got 1"),
        (b"a\t1\n\nb\t1\t2\n", "utf-8", "line 3: expected 2 fields, got 3"),
        (b"a\t1\nb\t \n", "utf-8", "line 2: there is no label"),
        (b"a\n", "utf-8", "label=1, but there are 1 columns"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_broken_tables(pack: Any, data: bytes, encoding: str, words: str, tmp_path: Path) -> None:
    path = table(tmp_path / "reviews.tsv", pack(data))
    with pytest.raises(ValueError, match=words) as raised:
        load_table(path, 0, 1, encoding=encoding)
    assert str(path) in str(raised.value) or "unknown encoding" in words


def test_columns_that_there_are_not(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "text,lable\na,1\n")
    with pytest.raises(
        ValueError, match=r"no column 'label'; did you mean 'lable'\?.*label=\.\.\."
    ):
        load_table(path)
    with pytest.raises(ValueError, match="the same column"):
        load_table(path, "text", 0)
    with pytest.raises(ValueError, match="delimiter must be one character; got ',,'"):
        load_table(path, delimiter=",,")
    with pytest.raises(ValueError, match="titles such as 'text' and 'label' would tell"):
        load_corpus(table(tmp_path / "b.csv", "a,b,c\n1,2,3\n"))
    with pytest.raises(ValueError, match="line 2: expected 2 fields, got 1"):
        load_corpus(table(tmp_path / "c.csv", "a,b\n1\n"))
    with pytest.raises(ValueError, match="there are no rows"):
        load_corpus(table(tmp_path / "d.csv", "\n"))


@pytest.mark.parametrize("data", ['text,label\nb,2\n"a,1\n', 'text,label\nb,2\n"a"x,1\n'])
def test_broken_quotes(data: str, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", data)
    with pytest.raises(ValueError, match=r"a.csv, line 3: .*quoted=False"):
        load_table(path)


def test_truncated_and_damaged_gzip(tmp_path: Path) -> None:
    whole = gzip.compress(b"text\tlabel\n" + os.urandom(5000).hex().encode() + b"\t1\n")
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 0xFF
    for data in (whole[:12], whole[:-1], whole[: len(whole) // 2], bytes(damaged)):
        path = table(tmp_path / "a.tsv.gz", data)
        with pytest.raises(ValueError, match=r"a.tsv.gz: damaged gzip data"):
            load_table(path)


def test_more_than_fits_in_memory(monkeypatch: Any, tmp_path: Path) -> None:
    path = table(tmp_path / "bomb.tsv.gz", gzip.compress(bytes(64 << 20)))
    monkeypatch.setattr(_core, "available_memory", lambda: 64 << 20)
    with pytest.raises(ValueError, match=r"bomb.tsv.gz: more than 8 MiB unpacked"):
        load_table(path)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_table(tmp_path / "nothing.tsv")
    with pytest.raises(FileNotFoundError):
        load_corpus(tmp_path / "nothing.tsv")
    with pytest.raises(OSError):
        load_table(tmp_path)
    with pytest.raises(ValueError, match="no ordinary file"):
        load_table("/dev/null")


# ---- aclImdb ------------------------------------------------------------------------------------

REVIEWS = {
    "aclImdb/train/pos/0_9.txt": "pos zero",
    "aclImdb/train/pos/10_7.txt": "pos ten",
    "aclImdb/train/pos/2_10.txt": "pos two caf\u00e9",
    "aclImdb/train/neg/0_1.txt": "neg zero",
    "aclImdb/train/neg/2_4.txt": "",
    "aclImdb/test/pos/0_10.txt": "test pos",
    "aclImdb/test/neg/0_2.txt": "test neg",
}
OTHERS = {
    "aclImdb/README": "not a review",
    "aclImdb/train/unsup/0_0.txt": "unlabelled",
    "aclImdb/train/pos/notes.txt": "no number",
    "aclImdb/train/urls_pos.txt": "addresses",
}
TRAIN = Texts(
    ["pos zero", "neg zero", "pos two caf\u00e9", "", "pos ten"],
    ["positive", "negative", "positive", "negative", "positive"],
)
TEST = Texts(["test pos", "test neg"], ["positive", "negative"])


def archive(
    files: dict[str, Any], change: Callable[[tarfile.TarFile], None] | None = None
) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            data = text if isinstance(text, bytes) else text.encode()
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        if change is not None:
            change(tar)
    return out.getvalue()


def unpacked(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_the_folder(tmp_path: Path) -> None:
    unpacked(tmp_path, REVIEWS | OTHERS)
    for path in (tmp_path, tmp_path / "aclImdb"):
        assert load_aclimdb(path) == (TRAIN, TEST)
        assert load_corpus(path) == (TRAIN, None, TEST)


@pytest.mark.parametrize(
    ("pack", "name"),
    [(bytes, "a.tar"), (gzip.compress, "aclImdb_v1.tar.gz"), (bz2.compress, "a.tar.bz2")],
)
@pytest.mark.parametrize("prefix", ["aclImdb/", "", "./aclImdb/"])
def test_the_archive(pack: Any, name: str, prefix: str, tmp_path: Path) -> None:
    files = {prefix + old.removeprefix("aclImdb/"): text for old, text in REVIEWS.items()}
    path = tmp_path / name
    path.write_bytes(pack(archive(files | OTHERS)))
    assert load_aclimdb(path) == (TRAIN, TEST)
    assert load_corpus(path) == (TRAIN, None, TEST)
    assert sorted(os.listdir(tmp_path)) == [name]


def test_hostile_members_do_nothing(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret", encoding="utf-8")

    def add(tar: tarfile.TarFile) -> None:
        kinds = {
            "sym": tarfile.SYMTYPE,
            "hard": tarfile.LNKTYPE,
            "fifo": tarfile.FIFOTYPE,
            "dev": tarfile.CHRTYPE,
            "block": tarfile.BLKTYPE,
            "dir": tarfile.DIRTYPE,
        }
        for number, kind in enumerate(kinds.values(), 50):
            member = tarfile.TarInfo(f"aclImdb/train/pos/{number}_9.txt")
            member.type, member.linkname = kind, str(secret)
            tar.addfile(member)

    hostile = {
        "../../evil.txt": "x",
        "/etc/train/pos/60_9.txt": "x",
        "aclImdb/../aclImdb/train/pos/61_9.txt": "x",
        "aclImdb/train/pos/../pos/62_9.txt": "x",
        "aclImdb/train/pos/63_9.txt/x": "x",
        "x/aclImdb/train/pos/64_9.txt": "x",
        "aclImdb/train/pos/65_9.txt\n": "x",
    }
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(archive(hostile | REVIEWS, add)))
    assert load_aclimdb(path) == (TRAIN, TEST)
    assert sorted(os.listdir(tmp_path)) == ["a.tar.gz", "secret.txt"]


def test_links_and_devices_in_the_folder_do_nothing(tmp_path: Path) -> None:
    unpacked(tmp_path, REVIEWS)
    secret = tmp_path / "secret.txt"
    secret.write_text("secret", encoding="utf-8")
    folder = tmp_path / "aclImdb" / "train" / "pos"
    (folder / "50_9.txt").symlink_to(secret)
    os.mkfifo(folder / "51_9.txt")
    (folder / "52_9.txt").mkdir()
    assert load_aclimdb(tmp_path) == (TRAIN, TEST)


def test_every_way_to_cut_an_archive(tmp_path: Path) -> None:
    """Wherever a tar breaks off before its end mark, that is an error; tarfile itself is silent."""
    whole = archive(REVIEWS)
    last = whole.rstrip(b"\0")
    path = tmp_path / "a.tar"
    for cut in range(0, len(last), 256):
        path.write_bytes(whole[:cut])
        with pytest.raises(ValueError, match=r"a.tar"):
            load_aclimdb(path)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_truncated_and_damaged_archives(pack: Any, tmp_path: Path) -> None:
    long = {f"aclImdb/train/pos/{i}_9.txt": os.urandom(200).hex() for i in range(100, 150)}
    whole = pack(archive(REVIEWS | long))
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 0xFF
    for data in (b"", b"PK\3\4", whole[:20], whole[: len(whole) // 2], whole[:-1], bytes(damaged)):
        path = tmp_path / "aclImdb_v1.tar.gz"
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"aclImdb_v1.tar.gz: a damaged or truncated archive"):
            load_corpus(path)


def test_a_broken_header_within_an_archive(tmp_path: Path) -> None:
    whole = bytearray(archive(REVIEWS))
    whole[2 * 1024 + 10] ^= 0xFF  # the third member's name, so that its checksum is wrong
    path = tmp_path / "a.tar"
    path.write_bytes(whole)
    with pytest.raises(ValueError, match=r"a.tar: .*breaks off"):
        load_aclimdb(path)


def long_name(tar: tarfile.TarFile) -> None:
    member = tarfile.TarInfo("././@LongLink")
    member.type, member.size = tarfile.GNUTYPE_LONGNAME, 1 << 20
    tar.fileobj.write(member.tobuf(tarfile.USTAR_FORMAT) + bytes(1 << 20))  # type: ignore[attr-defined]


def long_record(tar: tarfile.TarFile) -> None:
    member = tarfile.TarInfo("aclImdb/train/pos/70_9.txt")
    member.pax_headers = {"comment": "x" * (1 << 20)}
    tar.addfile(member)


def holes_in_the_data(tar: tarfile.TarFile) -> None:
    member = tarfile.TarInfo("aclImdb/train/pos/70_9.txt")
    member.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
    data = b"1000000\n" + b"0\n" * 1_000_000
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def no_numbers(tar: tarfile.TarFile) -> None:
    member = tarfile.TarInfo("aclImdb/train/pos/70_9.txt")
    member.pax_headers = {"GNU.sparse.map": "0,many"}
    tar.addfile(member)


def old_sparse(tar: tarfile.TarFile) -> None:
    member = tarfile.TarInfo("aclImdb/train/pos/70_9.txt")
    member.type = tarfile.GNUTYPE_SPARSE
    tar.addfile(member)


@pytest.mark.parametrize(
    ("add", "words"),
    [
        (long_name, "a header of 1048576 bytes"),
        (long_record, r"a header of 10\d+ bytes"),
        (holes_in_the_data, "a sparse file"),
        (old_sparse, "a sparse file"),
        (no_numbers, "many"),
    ],
)
def test_hostile_headers(add: Any, words: str, tmp_path: Path) -> None:
    """The module reads long names, records and lists of holes whole, however long they say."""
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(archive(REVIEWS, add)))
    with pytest.raises(ValueError, match=f"a.tar.gz: a damaged or truncated archive.*{words}"):
        load_aclimdb(path)


def test_reviews_missing_wrong_or_too_large(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(archive({k: v for k, v in REVIEWS.items() if "test/neg" not in k}))
    with pytest.raises(ValueError, match=r"it holds no test/neg/NUMBER_STARS.txt"):
        load_aclimdb(path)
    path.write_bytes(archive(REVIEWS | {"aclImdb/test/neg/7_2.txt": b"ok\nna\xefve"}))
    with pytest.raises(ValueError, match=r"test/neg/7_\*.txt, line 2: not utf-8"):
        load_aclimdb(path)
    path.write_bytes(archive(REVIEWS | {"aclImdb/test/neg/7_2.txt": bytes((16 << 20) + 1)}))
    with pytest.raises(ValueError, match=r"a.tar: aclImdb/test/neg/7_2.txt: more than 16 MiB"):
        load_aclimdb(path)
    unpacked(tmp_path, REVIEWS)
    (tmp_path / "aclImdb" / "test" / "neg" / "0_2.txt").write_bytes(b"\xff")
    with pytest.raises(ValueError, match=r"test/neg/0_\*.txt, line 1: not utf-8"):
        load_aclimdb(tmp_path)
    with pytest.raises(FileNotFoundError):
        load_aclimdb(tmp_path / "nothing.tar.gz")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no train/pos"):
        load_aclimdb(tmp_path / "empty")
    with pytest.raises(ValueError, match="holds none of: aclImdb's folders"):
        load_corpus(tmp_path / "empty")


# ---- data as they are found ---------------------------------------------------------------------


def test_imdb(shared_data: Path) -> None:
    train, validation, test = load_corpus(shared_data / "imdb")
    assert validation is None and test is not None
    for part in (train, test):
        assert len(part.texts) == 25_000
        assert part.labels[:4] == ["positive", "negative"] * 2
        assert part.labels.count("positive") == 12_500
    assert "<br />" in "".join(train.texts[:50])


def test_rt_polarity(shared_data: Path) -> None:
    train, validation, test = load_corpus(shared_data / "rt-polarity")
    assert (validation, test) == (None, None)
    assert len(train.texts) == 10_662
    assert train.labels.count("positive") == 5_331
    assert any("\u00e9" in text for text in train.texts)
    with pytest.raises(ValueError, match=r"rt-polarity.pos, line \d+: not utf-8, byte"):
        load_corpus(shared_data / "rt-polarity", encoding="utf-8")


def test_smsa(shared_data: Path) -> None:
    parts = load_corpus(shared_data / "smsa-id")
    assert [len(part.texts) for part in parts if part] == [11_000, 1_260, 500]
    assert set(parts.train.labels) == {"positive", "neutral", "negative"}
    assert parts.train.labels.count("positive") == 6_416


# ---- the sentences that ship with the package ---------------------------------------------------


def test_the_shipped_sentences_are_balanced_and_differ() -> None:
    texts, labels = md.text.load_sentences()
    assert len(texts) == len(set(texts)) == 300
    assert labels == ["positive", "negative"] * 150
    assert all(text == text.strip() and 15 <= len(text) <= 80 for text in texts)
    by_language = [md.text.load_sentences(language) for language in ("id", "en")]
    assert [len(part.texts) for part in by_language] == [150, 150]
    assert sorted(by_language[0].texts + by_language[1].texts) == sorted(texts)
    assert by_language[0].labels == ["positive", "negative"] * 75
    with pytest.raises(ValueError, match="language must be"):
        md.text.load_sentences("de")


def test_composed_sentences_are_balanced_and_differ() -> None:
    every = md.text.load_negations()
    texts, labels, patterns, negated = every
    assert len(texts) == len({*texts}) == len(labels) == len(patterns) == len(negated) == 2160
    assert labels == ["positive", "negative"] * 1080
    assert all(text == text.strip() and 10 <= len(text) <= 80 for text in texts)
    assert all(text[0].isupper() and text[-1] in ".!?" for text in texts)
    assert not any(sign in text for text in texts for sign in "{}[]|/")
    assert sum(negated) == 1680
    # In every pattern and with every word that denies, as many praise as blame.
    for pattern in {*patterns}:
        of = [label for label, one in zip(labels, patterns, strict=True) if one == pattern]
        assert of.count("positive") == of.count("negative") > 0
    for word in ("tidak", "gak", "nggak", "tak", "not", "never", "wasn't"):
        of = [
            label
            for label, text in zip(labels, texts, strict=True)
            if word in text.lower().strip(".?!").replace(",", "").split()
        ]
        assert len(of) >= 30 and 0.4 < of.count("positive") / len(of) < 0.6
    assert "Kopinya gak bagus." not in texts and "Hotelnya tidak buruk." not in texts
    by_language = [md.text.load_negations(language) for language in ("id", "en")]
    assert [len(part.texts) for part in by_language] == [1140, 1020]
    assert by_language[0].texts + by_language[1].texts == texts
    with pytest.raises(ValueError, match="language must be"):
        md.text.load_negations("de")


def test_denied_praise_blames() -> None:
    said = dict(zip(*md.text.load_negations()[:2], strict=True))
    for text, label in said.items():
        if text.startswith("Kasirnya gak ramah") or text.startswith("Kamarnya nggak bersih"):
            assert label == "negative"
    assert said["Tidak ada yang perlu dikeluhkan."] == "positive"
    assert said["Tidak ada yang bisa dipuji."] == "negative"
    assert said["Makanannya tidak hambar."] == "positive"
    assert said["Makanannya tidak enak."] == "negative"


def test_two_reviews_of_one_number_are_not_lost_in_silence(tmp_path: Path) -> None:
    for part in ("train/pos", "train/neg", "test/pos", "test/neg"):
        (tmp_path / part).mkdir(parents=True)
        (tmp_path / part / "0_9.txt").write_text("a review")
    (tmp_path / "train/pos/0_10.txt").write_text("another")
    with pytest.raises(ValueError, match=r"train/pos holds two reviews of the number 0"):
        md.text.load_aclimdb(tmp_path)
