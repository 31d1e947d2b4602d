"""Which texts a tokenizer can read: the shares of their pieces that are unknown or one letter."""

from __future__ import annotations

import functools
import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

__all__ = ["HARDLY_READ", "NOT_READ", "PieceKinds", "Reading", "letters_of_scripts", "main_script"]

HARDLY_READ = 0.5
"""Share of a text's pieces, unknown or of one letter, above which the text is hardly read.

Of the pieces that the uncased English vocabulary of BERT makes of English, 5 % are one letter; of
German or Spanish 9 to 15 %, of Polish, Turkish and Vietnamese about 30 %; of 9,827 English film
descriptions none has more than 34 %. Words in a foreign script are spelled letter by letter or not
known at all: 78 to 100 %.
"""
NOT_READ = 0.9
"""Share of unknown pieces above which nearly nothing of a catalog reaches the model."""

_KNOWN = 0.01
"""Share of a vocabulary's longer pieces from which on it has their script."""
_PREFIXES = ("##", "\u2581", "\u0120")
"""What marks a piece within or at the start of a word: WordPiece, SentencePiece, byte-level BPE."""
_LETTERS_ARE_WORDS = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL SYLLABLE", "YI SYLLABLE", "BOPOMOFO")
"""Starts of the Unicode names of letters that are a syllable or a word each."""
_SCRIPTS = {"CJK": "Han", "HIRAGANA": "Kana", "KATAKANA": "Kana"}
"""First words of letters' Unicode names that are not the name of their script."""


def _is_spelled(piece: str) -> bool:
    """Return whether a piece is a single letter of an alphabet."""
    return (
        len(piece) == 1
        and piece.isalpha()
        and not unicodedata.name(piece, "").startswith(_LETTERS_ARE_WORDS)
    )


@dataclass(frozen=True)
class Reading:
    """How many pieces of each text are letters, unknown, and single letters.

    Attributes:
        pieces: (texts,) int64: pieces with letters, or unknown.
        unknown: (texts,) int64: unknown pieces.
        spelled: (texts,) int64: pieces of one letter of an alphabet.
    """

    pieces: npt.NDArray[np.int64]
    unknown: npt.NDArray[np.int64]
    spelled: npt.NDArray[np.int64]

    @property
    def hardly_read(self) -> npt.NDArray[np.bool_]:
        """(texts,) bool: whether more than `HARDLY_READ` of a text's pieces are not read."""
        found: npt.NDArray[np.bool_]
        found = self.unknown + self.spelled > HARDLY_READ * np.maximum(self.pieces, 1)
        return found

    @property
    def unknown_share(self) -> float:
        """The share of all texts' pieces that are unknown, 0..1."""
        return float(self.unknown.sum() / max(1, self.pieces.sum()))


class PieceKinds:
    """The kind of each piece of a vocabulary."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Sort the vocabulary.

        Args:
            tokenizer: of any model: WordPiece, BPE, Unigram or word level.
        """
        vocabulary = tokenizer.get_vocab()
        self._pieces = vocabulary
        size = 1 + max(vocabulary.values(), default=0)
        self._has_letters = np.zeros(size, dtype=np.bool_)
        self._is_spelled = np.zeros(size, dtype=np.bool_)
        self._unknown = _unknown_id(tokenizer)
        special = {token.content for token in tokenizer.get_added_tokens_decoder().values()}
        for piece, index in vocabulary.items():
            bare = piece
            for prefix in _PREFIXES:
                bare = bare.removeprefix(prefix)
            if piece in special:
                continue
            if bare.isalpha() or any(map(str.isalpha, bare)):
                self._has_letters[index] = True
                self._is_spelled[index] = _is_spelled(bare)
        if self._unknown is not None:
            self._has_letters[self._unknown] = True

    @functools.cached_property
    def _scripts(self) -> set[str | None]:
        """The scripts of at least a hundredth of the pieces of several letters."""
        longer = [piece for piece, index in self._pieces.items() if self._is_longer(piece, index)]
        first = Counter(next(filter(str.isalpha, piece), "") for piece in longer)
        counts: Counter[str | None] = Counter()
        for letter, count in first.items():
            counts[main_script([letter])] += count
        return {script for script, count in counts.items() if count >= _KNOWN * len(longer)}

    def _is_longer(self, piece: str, index: int) -> bool:
        return bool(self._has_letters[index]) and not self._is_spelled[index] and len(piece) > 1

    def count_foreign(self, ids: Sequence[npt.NDArray[np.int64]], texts: Sequence[str]) -> int:
        """Count the texts that are hardly read and in a script that the vocabulary hardly has.

        Args:
            ids: the token ids of each text, special tokens included.
            texts: the same texts.
        """
        hardly = np.flatnonzero(self.read(ids).hardly_read).tolist()
        return sum(main_script([texts[index]]) not in self._scripts for index in hardly)

    def read(self, ids: Sequence[npt.NDArray[np.int64]]) -> Reading:
        """Count the pieces of texts.

        Args:
            ids: the token ids of each text, special tokens included.
        """
        starts = np.cumsum([0, *map(len, ids)])[:-1]
        joined = np.concatenate([*ids, np.zeros(1, np.int64)])
        empty = np.array([not len(row) for row in ids], dtype=np.bool_)

        def count(kinds: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
            if not len(ids):
                return np.zeros(0, np.int64)
            counts = np.add.reduceat(kinds.astype(np.int64), starts)
            return np.where(empty, 0, counts)

        unknown = np.full(len(joined), False)
        if self._unknown is not None:
            unknown = joined == self._unknown
        unknown[-1] = False
        letters = self._has_letters[joined]
        spelled = self._is_spelled[joined]
        letters[-1] = spelled[-1] = False
        return Reading(count(letters), count(unknown), count(spelled))


def _unknown_id(tokenizer: Tokenizer) -> int | None:
    """Return the id of the unknown piece; None for a tokenizer that covers every byte."""
    unknown = getattr(tokenizer.model, "unk_token", None)
    if unknown is None:  # Unigram's is a number, which its Python class does not show
        model = json.loads(tokenizer.to_str())["model"]
        index = model.get("unk_id")
        return index if isinstance(index, int) else None
    known: int | None = tokenizer.token_to_id(unknown)
    return known


def letters_of_scripts(texts: Iterable[str]) -> Counter[str]:
    """Return the number of letters of each script, such as `Latin` or `Han`.

    Args:
        texts: a sample.
    """
    letters = Counter(character for text in texts for character in text if character.isalpha())
    scripts: Counter[str] = Counter()
    for letter, count in letters.items():
        first = unicodedata.name(letter, "unknown").split()[0]
        scripts[_SCRIPTS.get(first, first.capitalize())] += count
    return scripts


def main_script(texts: Iterable[str]) -> str | None:
    """Return the script of most letters; None without letters."""
    scripts = letters_of_scripts(texts)
    return scripts.most_common(1)[0][0] if scripts else None
