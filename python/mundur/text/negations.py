"""Sentences that deny, and such that do not, composed of patterns and words written for mundur."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from .._support.names import checked_keywords

__all__ = ["Negations", "load_negations"]


class Negations(NamedTuple):
    """Texts with labels, the pattern that each was made of, and whether it denies anything.

    Examples
    --------
    >>> from mundur.text import load_negations
    >>> held_out = {"To be honest, {t} wasn't {x}."}
    >>> rows = load_negations("en")
    >>> sum(pattern in held_out for pattern in rows.patterns)
    10
    """

    texts: list[str]
    labels: list[str]
    patterns: list[str]
    negated: list[bool]


class _Field(NamedTuple):
    """Things that can be said to be any of these words, which praise or blame them."""

    things: tuple[str, ...]
    praise: tuple[str, ...]
    blame: tuple[str, ...]


def _field(things: str, praise: str, blame: str) -> _Field:
    return _Field(*(tuple(words.split(", ")) for words in (things, praise, blame)))


_FIELDS = {
    "id": (
        _field(
            "makanannya, nasi gorengnya, sotonya, baksonya, gulainya, kuenya, mi ayamnya, satenya",
            "enak, lezat, gurih, sedap",
            "hambar, basi, keasinan, gosong",
        ),
        _field(
            "pelayannya, kasirnya, sopirnya, resepsionisnya, perawatnya, satpamnya, penjualnya",
            "ramah, sopan, sabar, sigap",
            "kasar, galak, jutek, ketus",
        ),
        _field(
            "kamarnya, tempatnya, dapurnya, ruang tunggunya, penginapannya, musalanya, hotelnya",
            "bersih, nyaman, rapi, wangi",
            "kotor, kumuh, pengap, bau",
        ),
        _field(
            "filmnya, ceritanya, bukunya, novelnya, acaranya, konsernya, sinetronnya",
            "bagus, menarik, seru, menghibur",
            "membosankan, jelek, buruk, garing",
        ),
        _field(
            "ponselnya, laptopnya, tabletnya, komputernya, motornya",
            "bagus, cepat, awet, andal",
            "lambat, rewel, ringkih, boros",
        ),
        _field(
            "perjalanannya, liburannya, kursusnya, pelatihannya, kunjungannya",
            "menyenangkan, lancar, berkesan, bermanfaat",
            "melelahkan, mengecewakan, membosankan, sia-sia",
        ),
        _field(
            "harganya, ongkirnya, tarifnya, biayanya, sewanya",
            "murah, terjangkau, wajar, masuk akal",
            "mahal, kemahalan, keterlaluan, mencekik",
        ),
    ),
    "en": (
        _field(
            "the food, the soup, the curry, the cake, the bread, the fish, the salad",
            "tasty, delicious, fresh, good",
            "bland, stale, burnt, awful",
        ),
        _field(
            "the waiter, the cashier, the driver, the receptionist, the guide, the nurse",
            "friendly, polite, helpful, patient",
            "rude, grumpy, careless, arrogant",
        ),
        _field(
            "the room, the hotel, the bathroom, the kitchen, the cabin, the waiting room",
            "clean, cosy, tidy, comfortable",
            "dirty, shabby, stuffy, smelly",
        ),
        _field(
            "the film, the book, the concert, the story, the show, the play, the lecture",
            "good, exciting, funny, gripping",
            "boring, dull, silly, bad",
        ),
        _field(
            "the phone, the laptop, the camera, the tablet, the printer",
            "fast, reliable, sturdy, handy",
            "slow, flimsy, clumsy, useless",
        ),
        _field(
            "the trip, the tour, the holiday, the course, the workshop",
            "fun, worthwhile, pleasant, memorable",
            "tiring, disappointing, pointless, dreary",
        ),
        _field(
            "the price, the fare, the fee, the bill, the rent",
            "fair, reasonable, acceptable, modest",
            "steep, outrageous, shocking, excessive",
        ),
    ),
}
# What people do with something: of one field, since all of them go with all of it.
_DEEDS = {
    "id": _field(
        "restoran ini, hotel ini, kursus ini, bengkel ini, toko ini, aplikasi ini, salon ini, "
        "klinik ini, warung ini, penerbit ini, layanan ini, perpustakaan ini",
        "suka dengan, puas dengan, senang dengan, kagum dengan",
        "kecewa dengan, kesal dengan, muak dengan, marah dengan",
    ),
    "en": _field(
        "the trip, the course, the tour, the concert, the visit, the evening, the meal, the show, "
        "the party, the hike, the boat ride, the class",
        "enjoy, like, love, praise",
        "regret, hate, dislike, curse",
    ),
}

# Of a pattern's words {t} is a thing, {T} the same with a capital, {g} and {b} words that praise
# and blame, {g2} and {b2} others; {x} is one of either kind. A bar parts what is said of a praising
# word from what is said of a blaming one. [a/b] is two patterns. In a line with "-" a praising word
# blames and the other way round, in one with "+" it does not.
_PATTERNS = {
    "id": """
- {T} [tidak/gak/nggak/tak] {x}.
- {T} [tidak/gak/nggak] {x} sama sekali.
- {T} sama sekali [tidak/gak/nggak/tak] {x}.
- {T} ternyata [tidak/gak/nggak/tak] {x}.
- {T} memang [tidak/gak/nggak/tak] {x}.
- {T} [tidak/gak/nggak/tak] pernah {x}.
- {T} [tidak/gak/nggak] begitu {x}.
- {T} [tidak/gak/nggak] {x}, kata teman saya.
- {T} [tidak/gak/nggak] bisa dibilang {x}.
- Menurut saya {t} [tidak/gak/nggak/tak] {x}.
- Jujur, {t} [tidak/gak/nggak] {x}.
- Kali ini {t} [tidak/gak/nggak/tak] {x}.
- Katanya {t} {x}, ternyata [tidak/gak/nggak].
- Kata orang {t} {x}, padahal [tidak/gak/nggak].
- Siapa bilang {t} {x}? [Tidak/Gak/Nggak] sama sekali.
- {T} jauh dari kata {x}.
- {T} [tidak/gak/nggak] {g} dan [tidak/gak/nggak] {g2}. | {T} [tidak/gak/nggak] {b} dan \
[tidak/gak/nggak] {b2}.
- {T} [tidak/gak/nggak] {g}, malah {b}. | {T} [tidak/gak/nggak] {b}, malah {g}.
- {T} {b} dan [tidak/gak/nggak] {g}. | {T} {g} dan [tidak/gak/nggak] {b}.
- Bukannya {g}, {t} malah {b}. | Bukannya {b}, {t} malah {g}.
+ {T} {x}.
+ {T} [sangat/memang/selalu/ternyata/benar-benar] {x}.
+ {T} {x} [sekali/banget], kata teman saya.
+ {T} bisa dibilang {x}.
+ [Menurut saya/Jujur,/Kali ini/Kata orang] {t} {x}.
+ Katanya {t} {x}, [ternyata benar/dan memang begitu].
+ {T} {g} dan {g2}. | {T} {b} dan {b2}.
""",
    "en": """
- {T} [was not/wasn't/is not/isn't/was never] {x}.
- {T} [was not/wasn't/is not/isn't] {x} at all.
- {T} [was not/wasn't/is not/isn't] really {x}.
- To be honest, {t} [was not/wasn't/isn't/was never] {x}.
- My sister says {t} [was not/wasn't/is not/isn't] {x}.
- This time {t} [was not/wasn't] {x}.
- {T} [was not/wasn't/is not/isn't] as {x} as people say.
- {T} [did not/didn't/never] seem {x} to us.
- I [would not/wouldn't/would never] call {t} {x}.
- I [cannot/can't/will not/won't] say {t} was {x}.
- I [do not/don't] think {t} was {x}.
- They said {t} was {x}, but it [was not/wasn't].
- Is {t} {x}? [Not at all/No/Never].
- {T} was [anything but/far from/hardly] {x}.
- {T} was neither {g} nor {g2}. | {T} was neither {b} nor {b2}.
- {T} [was not/wasn't] {g} but {b}. | {T} [was not/wasn't] {b} but {g}.
- {T} was {b} and [not/never] {g}. | {T} was {g} and [not/never] {b}.
- Far from being {g}, {t} was {b}. | Far from being {b}, {t} was {g}.
+ {T} [was/is] {x}.
+ {T} [was really/is very/is always/was simply] {x}.
+ [To be honest,/My sister says/I think/This time] {t} was {x}.
+ I would call {t} {x}.
+ They said {t} was {x}, and it was.
+ Is {t} {x}? [Yes, very/Yes, always].
+ {T} was {g} and {g2}. | {T} was {b} and {b2}.
+ {T} seemed {x} to us.
""",
}
_OF_DEEDS = {
    "id": """
- [Saya/Aku/Kami/Istri saya] [tidak/gak/nggak] {x} {t}.
- Kami sama sekali [tidak/gak/nggak] {x} {t}.
- [Saya/Aku] [tidak/gak/nggak] pernah {x} {t}.
- Tidak seorang pun {x} {t}.
+ [Saya/Aku/Kami/Istri saya/Semua orang] {x} {t}.
+ [Saya/Kami] sangat {x} {t}.
+ [Saya/Kami] selalu {x} {t}.
""",
    "en": """
- [I/We/My friends] [did not/didn't] {x} {t}.
- [I/We] [did not/didn't] {x} {t} at all.
- [I/You/My friends] [will not/won't/would never] {x} {t}.
- Nobody would {x} {t}.
- I [do not/don't] think anyone will {x} {t}.
+ [I/We/My friends] really {x} {t}.
+ [You/Everybody/My friends] will {x} {t}.
+ I am sure you will {x} {t}.
""",
}
# Pairs that stand for themselves: the first praises, the second blames, and both deny.
_SAYINGS = {
    "id": """
Tidak ada yang perlu dikeluhkan. | Tidak ada yang bisa dipuji.
Saya tidak menyesal membelinya. | Saya tidak akan membelinya lagi.
Tidak rugi datang jauh-jauh ke sini. | Tidak ada gunanya datang jauh-jauh ke sini.
Belum pernah saya makan seenak ini. | Belum pernah saya kecewa seperti ini.
Tidak perlu pikir dua kali, langsung pesan saja. | Jangan sekali-kali memesan di sini.
Barangnya tiba tanpa cacat sedikit pun. | Barangnya tiba tanpa bungkus dan sudah penyok.
Anak saya tidak mau pulang, saking senangnya. | Anak saya tidak mau masuk, saking takutnya.
Tidak sia-sia kami menunggu. | Sia-sia kami menunggu, tidak ada yang datang.
Saya tidak bisa berhenti tertawa. | Saya tidak bisa menahan kantuk.
Tak ada duanya di kota ini. | Tak ada rasanya sama sekali.
Bukan main indahnya taman itu. | Bukan main kesalnya saya hari itu.
Tidak mengecewakan, persis seperti di foto. | Tidak sesuai, jauh berbeda dari foto.
Gak nyangka sebagus ini! | Gak nyangka separah ini!
Nggak ada lawan, pokoknya juara. | Nggak ada bagusnya, pokoknya parah.
Tidak pernah terlambat selama bertahun-tahun. | Tidak pernah tepat waktu selama bertahun-tahun.
Tidak sulit dipakai, langsung mengerti. | Tidak mudah dipakai, saya menyerah.
Kami tidak sabar untuk kembali ke sana. | Kami tidak sudi kembali ke sana.
Dokternya tidak pernah buru-buru. | Dokternya tidak pernah mendengarkan.
Baterainya tidak cepat habis. | Baterainya tidak tahan lama.
Tanpa bantuan mereka kami pasti tersesat. | Tanpa penjelasan apa pun kami disuruh pulang.
""",
    "en": """
There is nothing to complain about. | There is nothing good to say about it.
I have no regrets about buying it. | I would never buy it again.
You can't go wrong with this one. | You can't trust these people.
I have never eaten better. | I have never eaten worse.
Don't hesitate, book it today. | Don't waste your money on it.
It arrived without a single scratch. | It arrived without a box and with a dent.
The children did not want to leave. | The children did not want to stay.
We were not disappointed. | We were not impressed.
I could not stop laughing. | I could not stay awake.
Nothing beats this little place. | Nothing works in this place.
It never let me down in ten years. | It never worked for more than a day.
No other shop is as honest. | No other shop has cheated me so.
It isn't hard to learn. | It isn't easy to use.
I can't wait to go back. | I won't go back.
The doctor was never in a hurry. | The doctor never listened.
The battery does not run out quickly. | The battery does not last.
Without their help we would have been lost. | Without a word they sent us home.
I had no trouble at all with the delivery. | I had no luck with the delivery.
You won't find a kinder host. | You won't find a lazier host.
It couldn't be better. | It couldn't be worse.
""",
}
_EACH = 5  # pairs of a pattern


@checked_keywords()
def load_negations(language: str | None = None) -> Negations:
    """2,160 short sentences, most of which deny: "gak bagus" blames, "tidak buruk" praises.

    Half of them praise and half blame, with and without a negation, in every pattern; so no single
    word tells, not even "tidak". They were composed of patterns and words: a model that is tested
    on other fillings of patterns it knows looks better than it is, so hold out whole ``patterns``.
    Even then they are short, of few words and made by one hand.

    Parameters
    ----------
    language : {"id", "en"}, optional
        Indonesian or English alone; by default both.

    Returns
    -------
    Negations
        ``texts, labels, patterns, negated``, lists of equal length; labels are "positive" and
        "negative", in turns.

    Raises
    ------
    ValueError
        For another language.

    Examples
    --------
    >>> from mundur.text import load_negations
    >>> texts, labels, patterns, negated = load_negations("id")
    >>> texts[:2], labels[:2], patterns[0], negated[0]
    (['Makanannya tidak hambar.', 'Makanannya tidak enak.'], ['positive', 'negative'], \
'{T} tidak {x}.', True)
    """
    if language not in (None, *_FIELDS):
        raise ValueError(f"language must be 'id', 'en' or None; got {language!r}")
    rows = [
        row for one in _FIELDS if language in (None, one) for row in dict.fromkeys(_composed(one))
    ]
    texts, labels, patterns, negated = zip(*rows, strict=True)
    return Negations([*texts], [*labels], [*patterns], [*negated])


def _composed(language: str) -> Iterator[tuple[str, str, str, bool]]:
    for given, fields in (
        (_PATTERNS[language], _FIELDS[language]),
        (_OF_DEEDS[language], (_DEEDS[language],)),
    ):
        lines = given.strip().splitlines()
        for number, signed in enumerate(one for line in lines for one in _each_of(line)):
            denies, pattern = signed[0] == "-", signed[2:]
            for turn in range(_EACH):
                field = fields[(turn + number) % len(fields)]
                # Steps without a common divisor with the sizes, so that few pairs come again.
                at = turn // len(fields) + number + turn
                # Denied, a praising word blames.
                good, bad = _filled(pattern, field, at)[:: -1 if denies else 1]
                yield good, "positive", pattern, denies
                yield bad, "negative", pattern, denies
    for line in _SAYINGS[language].strip().splitlines():
        good, bad = line.split(" | ")
        yield good, "positive", line, True
        yield bad, "negative", line, True


def _each_of(line: str) -> list[str]:
    """The patterns that one with [a/b] stands for; where it comes twice, the same each time."""
    found = re.search(r"\[(.*?)\]", line)
    if found is None:
        return [line]
    return [one for word in found[1].split("/") for one in _each_of(line.replace(found[0], word))]


def _filled(pattern: str, field: _Field, at: int) -> tuple[str, str]:
    """The pattern said with a praising word, and with a blaming one."""
    thing = field.things[at % len(field.things)]
    good, good2 = (field.praise[(at + i) % len(field.praise)] for i in (0, 1))
    bad, bad2 = (field.blame[(at + i) % len(field.blame)] for i in (0, 1))
    words = {"t": thing, "T": thing[0].upper() + thing[1:]}
    words |= {"g": good, "b": bad, "g2": good2, "b2": bad2}
    first, _, second = pattern.partition(" | ")
    return first.format(x=good, **words), (second or first).format(x=bad, **words)
