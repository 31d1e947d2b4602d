"""Labeled texts made by templates, for benchmarks that need catalogs of every shape.

Each label has words of its own, which its texts use more often than others do. English words are
listed below; those of other scripts are random letters or characters, so they mean nothing. No text
is anybody's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["SCRIPTS", "LabeledTexts", "draw_label_sets", "write_texts"]

_ENGLISH = """
anchor apple arrow attic bakery balloon bank barn basket beach bell bicycle blanket boat bottle
branch bread bridge broom bucket button cabin cable camera candle canoe canyon carpet castle
cellar chain chair cheese chimney circle clinic clock cloud coast coin compass copper corner
cotton cradle crystal curtain dance desert diamond doctor door dragon drum eagle earth engine
farm feather fence ferry field finger fire flag flour forest fountain fox frame garden gate
ghost glass glove gold grass guitar hammer harbor harvest hat hill honey hook horse hotel ice
island jacket jewel journal judge kettle key kitchen knife ladder lake lamp lantern leaf lemon
letter library light lion lock map marble market mask meadow melon metal milk mill mirror moon
mountain mouse museum nail needle nest nurse oak oar ocean office onion orchard oven owl paint
palace paper park path pearl pencil piano pillow pine pirate planet plate pocket pond poet
prince quarry queen radio rail rain ribbon rice river road robot rocket roof rope rose sail salt
sand school sea shadow shell ship shoe silk silver singer sky smoke snow soap soldier spoon
spring square star station steam stone storm street sugar summer sword table tailor teacher tent
thread thunder ticket tiger tower toy track train tree tunnel valley village violin wagon wall
watch water wave wheel whistle willow wind window winter wolf wood wool yard zebra
"""
ENGLISH = tuple(_ENGLISH.split())
_LETTERS = {
    "cyrillic": range(0x0430, 0x0450),
    "greek": range(0x03B1, 0x03CA),
    "han": range(0x4E00, 0x4E80),
}
"""Code points of the letters of a script; words of alphabets have six, of characters two."""
SCRIPTS = ("latin", "cyrillic", "greek", "han")
_ENGLISH_SENTENCES = (
    "A {} and a {} wait behind the {}.",
    "Nobody knows why the {} left the {} near the {}.",
    "In the end the {} finds a {} and the {}.",
    "The {} of the old {} keeps a {}.",
)


@dataclass(frozen=True)
class LabeledTexts:
    """Texts and their labels.

    Attributes:
        texts: (n,) texts, all different.
        labels: (n,) the label positions of each text, in ascending order.
    """

    texts: tuple[str, ...]
    labels: tuple[tuple[int, ...], ...]


def _words(script: str, random: np.random.Generator) -> list[str]:
    """Return about 240 words of a script, in random order."""
    if script == "latin":
        words = list(ENGLISH)
    else:
        letters = random.choice(_LETTERS[script], (260, 2 if script == "han" else 6))
        words = sorted({"".join(map(chr, word)) for word in letters.tolist()})
    return [words[index] for index in random.permutation(len(words))]


def draw_label_sets(
    rows: int, shares: Sequence[float], random: np.random.Generator, at_least: int = 1
) -> list[tuple[int, ...]]:
    """Draw the labels of each row.

    Args:
        rows: their number.
        shares: of the rows that each label belongs to, 0..1.
        random: the source of randomness.
        at_least: the least number of labels of a row, 0 or 1.

    Returns:
        Label positions, ascending.
    """
    probabilities = np.asarray(shares, dtype=np.float64)
    drawn = random.random((rows, len(probabilities))) < probabilities
    sets = [tuple(np.flatnonzero(row).tolist()) for row in drawn]
    weights = probabilities / probabilities.sum()
    return [
        labels if len(labels) >= at_least else (int(random.choice(len(weights), p=weights)),)
        for labels in sets
    ]


def write_texts(
    labels: Sequence[tuple[int, ...]],
    count: int,
    random: np.random.Generator,
    *,
    scripts: Sequence[str] = ("latin",),
    signal: float = 0.5,
    words_per_label: int = 5,
    sentences: int = 4,
) -> LabeledTexts:
    """Write a text for each set of labels.

    Args:
        labels: (n,) label positions; a text without a label has random words only.
        count: the number of labels.
        random: the source of randomness.
        scripts: of `SCRIPTS`; each text is in one of them, by turns.
        signal: the share of words that come from the row's labels, 0..1.
        words_per_label: words of each label in each script; with many labels, they share words.
        sentences: of a text.
    """
    vocabularies = {script: _words(script, random) for script in scripts}
    own = {
        script: [random.choice(words, words_per_label, replace=False) for _ in range(count)]
        for script, words in vocabularies.items()
    }
    texts = []
    for row, chosen in enumerate(labels):
        script = scripts[row % len(scripts)]
        words = vocabularies[script]
        drawn = [
            str(random.choice(own[script][chosen[int(random.integers(len(chosen)))]]))
            if chosen and random.random() < signal
            else words[int(random.integers(len(words)))]
            for _ in range(3 * sentences)
        ]
        texts.append(_sentences(script, drawn, random))
    return LabeledTexts(tuple(texts), tuple(labels))


def _sentences(script: str, words: list[str], random: np.random.Generator) -> str:
    """Put words into sentences of three."""
    triples = [words[start : start + 3] for start in range(0, len(words), 3)]
    if script == "latin":
        order = random.integers(len(_ENGLISH_SENTENCES), size=len(triples))
        return " ".join(
            _ENGLISH_SENTENCES[index].format(*triple)
            for index, triple in zip(order.tolist(), triples, strict=True)
        )
    if script == "han":
        return "".join("".join(triple) + "。" for triple in triples)
    return " ".join(" ".join(triple).capitalize() + "." for triple in triples)
