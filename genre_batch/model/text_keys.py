"""When two texts count as the same: a 64-bit key of each text's letters and digits."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["TEXT_KEY_VERSION", "TEXT_KEY_VERSIONS", "known_keys", "text_key", "text_keys"]

TEXT_KEY_VERSION = 2
"""The version of the keys that files are written with; a file of an older one states or implies it.

Version 1 keeps a-z and 0-9 of the lower-cased text, and so has one key for all texts of most
scripts. Version 2 keeps the letters and digits of every script. Both are equal for a text whose
letters and digits are all in a-z, A-Z and 0-9.
"""
TEXT_KEY_VERSIONS = (1, 2)

_LOWER = b"abcdefghijklmnopqrstuvwxyz"
_IGNORED_BYTES = bytes(set(range(256)) - set(_LOWER + b"0123456789"))
_LOWERED = bytes.maketrans(_LOWER.upper(), _LOWER)
_ASCII = bytes(range(128))
_IGNORED_ASCII = bytes(set(_ASCII) - set(_LOWER + _LOWER.upper() + b"0123456789"))
_JOINT = b"\0"
_IGNORED_IN_JOINED = bytes(set(_IGNORED_ASCII) - set(_JOINT))
_WORDS = hashlib.sha256().digest_size // 8
_PUNCTUATION = re.compile(rb"\xe2\x80[\x80-\xbf]")
"""U+2000 to U+203F in UTF-8: spaces, dashes, quotes."""
_SIGNS = (
    _PUNCTUATION.pattern
    + rb"|\xc2[\xa0-\xa9\xab-\xb1\xb4\xb6-\xb8\xbb\xbf]|\xc3[\x97\xb7]"  # of Latin-1
    rb"|\xe2\x82[\xa0-\xbf]|\xe2\x84\xa2"  # currencies, trademark
)
"""Signs and spaces in UTF-8."""
_LATIN_SIGNS = re.compile(_SIGNS)
_LATIN = re.compile(rb"(?:" + _SIGNS + rb"|\xc3[\x80-\xbf])*")
"""These signs and letters of Latin-1: no normal form of Unicode changes or joins the letters."""
_LATIN_LOWERED = bytes.maketrans(bytes(range(0x80, 0x9F)), bytes(range(0xA0, 0xBF)))
"""The second bytes of the capital letters of Latin-1 in UTF-8, and of the lower-case ones."""
_IGNORED_LETTERS = re.compile(
    # Apostrophes and signs that are letters to Unicode, and the bar that widens an Arabic word.
    "[\u02b9-\u02cd\u02d0\u02d1\u02ec\u02ee\u0640]"
)
_IGNORED_MARKS = re.compile(
    # Accents that belong to no letter of their own, such as the stress in Russian, and the optional
    # points and vowels of Hebrew, Arabic and Syriac. Marks of other scripts, such as the vowels of
    # Devanagari and Thai, distinguish words.
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
    "\u0711\u0730-\u074a\u08d3-\u08ff\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
    # Variation selectors, as in emoji.
    "\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)


class _Kept(dict[int, int | None]):
    """A table for `str.translate` that deletes what keys ignore, filled as characters occur."""

    def __missing__(self, code: int) -> int | None:
        character = chr(code)
        kind = unicodedata.category(character)[0]
        ignored = _IGNORED_MARKS if kind == "M" else _IGNORED_LETTERS
        kept = kind in "LMN" and not ignored.match(character)
        self[code] = code if kept else None
        return self[code]


_KEPT = _Kept()


def _reduced(text: str) -> str:
    """Return the letters and digits of a text, with the marks that distinguish words.

    Signs are removed before compatible characters are replaced: a trademark sign is not `tm`.
    """
    kept = unicodedata.normalize("NFC", text).translate(_KEPT)
    folded = unicodedata.normalize("NFKC", kept).casefold()
    return unicodedata.normalize("NFKC", folded).translate(_KEPT)


def text_key(overview: str, version: int = TEXT_KEY_VERSION) -> int:
    """Return a 64-bit key shared by overviews that only differ in case, spacing or punctuation.

    It is the first 8 bytes, big-endian, of the SHA-256 of the reduced overview in UTF-8. Version 1
    reduces it to a-z and 0-9, in lower case. Version 2 reduces it to letters, digits and the marks
    that distinguish words, case-folded and in Unicode's form NFKC; an overview without letters and
    digits has the key of its other characters but spaces.

    Args:
        overview: any text.
        version: of `TEXT_KEY_VERSIONS`.
    """
    return int.from_bytes(_digest(overview, version)[:8], "big")


def _digest(overview: str, version: int) -> bytes:
    """Return the SHA-256 whose first 8 bytes are a key."""
    reduced = overview.encode("utf-8", "surrogatepass").translate(_LOWERED, _IGNORED_ASCII)
    if not reduced or not reduced.isascii():
        reduced = _reduced_special(overview, reduced, version)
    return hashlib.sha256(reduced).digest()


def _reduced_special(text: str, encoded: bytes, version: int) -> bytes:
    """Return what a text is reduced to that has letters, digits or signs that are not ASCII.

    Args:
        text: the text, with at least one of these or with no letter and digit at all.
        encoded: it in UTF-8, without ASCII signs and with ASCII letters in lower case.
        version: of the key.
    """
    if version == 1:
        return text.lower().encode("utf-8", "surrogatepass").translate(None, _IGNORED_BYTES)
    # Most of these texts have typographic quotes or the accents of western Europe.
    special = encoded.translate(None, _ASCII)
    if not _LATIN.fullmatch(special):
        reduced = _reduced(text).encode("utf-8", "surrogatepass")
    else:
        for sign in set(_LATIN_SIGNS.findall(special)):
            encoded = encoded.replace(sign, b"")
        reduced = encoded.replace("ß".encode(), b"ss").translate(_LATIN_LOWERED)
    return reduced or "".join(text.split()).encode("utf-8", "surrogatepass")


def text_keys(
    overviews: Sequence[str | None] | pa.Array, version: int = TEXT_KEY_VERSION
) -> npt.NDArray[np.uint64]:
    """Return (n,) uint64: the `text_key` of each overview; that of an empty one for None.

    Args:
        overviews: texts, or an Arrow array of them, which is faster.
        version: of `TEXT_KEY_VERSIONS`.
    """
    if isinstance(overviews, pa.Array):
        digests = _array_digests(overviews, version)
    else:
        digests = [_digest(text or "", version) for text in overviews]
    return np.frombuffer(b"".join(digests), dtype=">u8")[::_WORDS].astype(np.uint64)


def _array_digests(texts: pa.Array, version: int) -> list[bytes]:
    """Return the digest of each text of an array; they are joined to be reduced at once."""
    ends = pa.array([0, len(texts)], pa.int32())
    joined = pc.binary_join(pa.ListArray.from_arrays(ends, texts.fill_null("")), _JOINT.decode())
    encoded = joined[0].as_buffer().to_pybytes().translate(_LOWERED, _IGNORED_IN_JOINED)
    pieces = _PUNCTUATION.sub(b"", encoded).split(_JOINT)
    if len(pieces) != len(texts):  # some text has the joint
        return [_digest(text or "", version) for text in texts.to_pylist()]
    special = [i for i, piece in enumerate(pieces) if not piece or not piece.isascii()]
    originals = texts.take(pa.array(special, pa.int64())).to_pylist()
    for index, text in zip(special, originals, strict=True):
        pieces[index] = _reduced_special(text or "", pieces[index], version)
    return [hashlib.sha256(piece).digest() for piece in pieces]


_NOTHING = np.uint64(text_key(""))
"""The key of no text, which version 1 also gives to texts without a-z and 0-9."""


def known_keys(
    keys: npt.NDArray[np.uint64], known: npt.NDArray[np.uint64]
) -> npt.NDArray[np.bool_]:
    """Return (n,) bool: whether a key is among the known ones, and is that of some text.

    Args:
        keys: (n,) keys of a version.
        known: (m,) keys of the same version.
    """
    if not len(known):
        return np.zeros(len(keys), dtype=np.bool_)
    # Those of a model are sorted: for the few keys of a chunk, `np.isin` would sort them again.
    ordered = known if (known[:-1] <= known[1:]).all() else np.sort(known)
    places = np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)
    found: npt.NDArray[np.bool_] = (ordered[places] == keys) & (keys != _NOTHING)
    return found
