"""The language of texts, as CLD2 detects it, and whether it is the one that a model reads.

CLD2 (Compact Language Detector 2, Dick Sites 2013, Apache-2.0) scores groups of four letters, and
words of Chinese, Japanese and Korean, against tables that come with its package, pycld2. It needs
about 20 microseconds for an overview.
"""

from __future__ import annotations

import functools
import re
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from genre_batch.errors import GenreBatchWarning, UsageError
from genre_batch.model.metadata import ModelMetadata

__all__ = [
    "LanguageTally",
    "check_language",
    "language_name",
    "main_language",
    "model_language",
    "other_language",
    "warn_of_languages",
]

UNDETERMINED = "und"
"""ISO 639's code of a language that is not known."""
_READ = 1000
"""Characters of a text that are looked at: about as many as the model reads tokens of."""
_SHORT = 100
"""Characters below which a few names can look like another language."""
_MIXED = 30
"""Per cent of a text in the wanted language from which on it counts as in that language."""
_SAMPLE = 500
"""Training texts, evenly spread, whose languages are looked at."""
_MAJORITY = 0.8
"""Share of the training texts in one language from which on a model reads that language."""
_ENGLISH_MODELS = ("minilm", "distilbert-base-uncased")
"""Base models of English, for files that do not state a language."""
_CODES = {"iw": "he", "jw": "jv", "nb": "no", "nn": "no", "in": "id", "fil": "tl", "sr-me": "sr"}
"""Codes of CLD2, and codes of variants and older codes -> today's of ISO 639-1."""
_CLOSE = (
    *({"no", "da"}, {"id", "ms"}, {"hr", "bs", "sr"}, {"cs", "sk"}, {"gl", "pt"}, {"xh", "zu"}),
    *({"ru", "uk", "be", "bg", "mk"}, {"hi", "mr", "ne", "bh"}),
)
"""Languages that are told apart by few words, so that short texts of one look like another."""
_OTHER_SCRIPTS = frozenset(
    (
        *("am", "ar", "as", "be", "bg", "bn", "bo", "chr", "dv", "dz", "el", "fa", "gu", "he"),
        *("hi", "hy", "ja", "ka", "kk", "km", "kn", "ko", "ks", "ky", "lo", "mk", "ml", "mn"),
        *("mr", "my", "ne", "or", "pa", "ps", "ru", "sa", "sd", "si", "ta", "te", "tg", "th"),
        *("ti", "ug", "uk", "ur", "yi", "zh"),
    )
)
"""Languages that are mostly not written in Latin letters."""
_ENGLISH_WORDS = re.compile(
    r"\b(?:the|and|of|with|his|who|from|their|she|they|when|into|about|after|meets|this|that)\b",
    re.IGNORECASE,
)
"""Words that short texts of other languages hardly have."""


@functools.cache
def _cld2() -> Any:
    """Return the package pycld2; None where it is not installed."""
    try:
        import pycld2
    except ImportError:
        return None
    return pycld2


@functools.cache
def _code(code: str) -> str:
    """Return the code of ISO 639-1 for one of CLD2, or with a region: `zh-Hant`, `pt_BR`."""
    low = code.strip().lower().replace("_", "-")
    return _CODES.get(low) or _CODES.get(low.split("-")[0], low.split("-")[0])


@functools.cache
def _names() -> Mapping[str, str]:
    """Return code -> name of every language that can be detected."""
    cld2 = _cld2()
    if cld2 is None:
        return {}
    detected = set(cld2.DETECTED_LANGUAGES)
    names: dict[str, str] = {}
    for name, code in cld2.LANGUAGES:
        if name in detected and not name.startswith("X_"):  # scripts, and what is no language
            names.setdefault(_code(code), name.replace("_", " ").title())
    return names


def language_name(code: str) -> str:
    """Return the English name of a language; its code if that is not known."""
    return "unknown languages" if code == UNDETERMINED else _names().get(code, code)


def check_language(code: str) -> str:
    """Return the code of a language that can be detected.

    Args:
        code: of ISO 639-1, in any case and with or without a region; or an English name.

    Raises:
        UsageError: there is no such language, or the package pycld2 is not installed.
    """
    if _cld2() is None:
        raise UsageError("`only_language` needs the package pycld2: pip install pycld2")
    names = _names()
    by_name = {name.lower(): known for known, name in names.items()}
    found = by_name.get(code.strip().lower(), _code(code))
    if found not in names:
        near = get_close_matches(code.strip().lower(), by_name, n=1)
        advice = f"did you mean {near[0]!r}?" if near else "such as en, es or fr"
        if "," in code:
            advice = "name one language"
        raise UsageError(f"`only_language` must be a code of ISO 639-1, got {code!r}: {advice}")
    return found


def _detected(text: str) -> tuple[bool, list[tuple[str, int]]]:
    """Return whether the detection is reliable, and up to three codes with per cent of the text."""
    cld2 = _cld2()
    try:
        reliable, _, details = cld2.detect(text, isPlainText=True)
    except cld2.error:  # characters that are not for interchange, such as controls
        plain = "".join(letter if letter.isprintable() else " " for letter in text)
        try:
            reliable, _, details = cld2.detect(plain, isPlainText=True)
        except cld2.error:
            return False, []
    return bool(reliable), [(_code(code), share) for _, code, share, _ in details if code != "un"]


def _latin(text: str) -> bool:
    """Return whether most letters of a text are Latin."""
    if text.isascii():
        return True
    letters = [letter for letter in text if letter.isalpha()]
    others = sum(letter > "\u024f" and not "\u1e00" <= letter <= "\u1eff" for letter in letters)
    return 2 * others <= len(letters)


def _is_close(code: str, other: str) -> bool:
    """Return whether two languages are told apart by few words."""
    return any(code in group and other in group for group in _CLOSE)


def _is_names(text: str, language: str) -> bool:
    """Return whether a text is nothing but capitalized words in the script of a language."""
    return text.istitle() and _latin(text) == (language not in _OTHER_SCRIPTS)


def other_language(text: str, language: str) -> str | None:
    """Return the code of the language of a text that is not in a given one.

    Args:
        text: as the catalog has it.
        language: a code of ISO 639-1.

    Returns:
        `und` for a text in another script whose language is not known; None for a text in the
        language, and for one that says too little, such as a few names.
    """
    text = text[:_READ]
    reliable, shares = _detected(text)
    by_code = dict(reversed(shares))
    if reliable and shares:
        found = shares[0][0]
        if found == language or by_code.get(language, 0) >= _MIXED or _is_close(found, language):
            return None
        has_english = language == "en" and _ENGLISH_WORDS.search(text)
        is_veto = len(text) < _SHORT and (has_english or _is_names(text, language))
        return None if is_veto else found
    if _latin(text) == (language not in _OTHER_SCRIPTS) or not any(map(str.isalpha, text)):
        return None
    return next((code for code in by_code if code != language), UNDETERMINED)


def main_language(texts: Sequence[str]) -> str | None:
    """Return the language of most texts; None if they are in several, or it cannot be told.

    Args:
        texts: of which `_SAMPLE`, evenly spread, are looked at.
    """
    if _cld2() is None:
        return None
    sample = texts[:: max(1, len(texts) // _SAMPLE)][:_SAMPLE]
    found = [_detected(text[:_READ]) for text in sample]
    counts = Counter(shares[0][0] for reliable, shares in found if reliable and shares)
    if not counts:
        return None
    code, count = counts.most_common(1)[0]
    return code if count >= _MAJORITY * len(sample) else None


def model_language(metadata: ModelMetadata) -> str | None:
    """Return the language that a model reads; None if it is not known, or several.

    A file that does not state it reads English if its base model is one of English.
    """
    if _cld2() is None:
        return None
    if metadata.language is not None:
        return metadata.language if metadata.language in _names() else None
    return "en" if metadata.provenance.get("base_model") in _ENGLISH_MODELS else None


class LanguageTally:
    """Counts of texts that are not in one language.

    Attributes:
        language: the code; None: texts are not looked at.
        rows: the texts looked at.
        languages: the codes of other languages -> texts.
        first: the row and the start of the first such text; empty: there is none.
    """

    def __init__(self, language: str | None) -> None:
        """Start without texts."""
        self.language = language
        self.rows = 0
        self.languages: Counter[str] = Counter()
        self.first = ""

    def add(self, texts: pa.Array, rows: Sequence[int]) -> npt.NDArray[np.bool_]:
        """Look at texts; return (texts,) bool: whether each is in another language.

        Args:
            texts: strings; null or blank where there is none.
            rows: (texts,) the row of each, 0-based.
        """
        others = np.zeros(len(texts), dtype=np.bool_)
        if self.language is None:
            return others
        for position, text in enumerate(texts.to_pylist()):
            if text is None or not text.strip():
                continue
            self.rows += 1
            code = other_language(text, self.language)
            if code is not None:
                others[position] = True
                self.languages[code] += 1
                self.first = self.first or f"row {rows[position]:,}: {text[:60]!r}"
        return others

    def warn(self) -> None:
        """Warn of the texts in other languages, which are used all the same."""
        advice = "remove these rows, or use a model trained on such texts (`model`)"
        warn_of_languages(self.language, self.rows, self.languages, self.first, advice)


def warn_of_languages(
    language: str | None, rows: int, languages: Mapping[str, int], first: str, advice: str
) -> None:
    """Warn of texts in other languages than the one that the model reads.

    Args:
        language: a code; None: no text was looked at.
        rows: the texts looked at.
        languages: the codes of other languages -> texts.
        first: the first such text, for the message.
        advice: what to type, with parameters in backticks.
    """
    count = sum(languages.values())
    if language is None or not count:
        return
    ranked = sorted(languages.items(), key=lambda item: (-item[1], item[0]))
    names = ", ".join(f"{language_name(code)} ({texts:,})" for code, texts in ranked[:3])
    more = " and others" if len(ranked) > 3 else ""
    warnings.warn(
        f"{count:,} of {rows:,} texts ({count / max(1, rows):.2%}) are not in "
        f"{language_name(language)} but in {names}{more}, such as {first}: {advice}",
        GenreBatchWarning,
        stacklevel=3,
    )
