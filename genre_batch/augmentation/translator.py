"""The protocol of a translator: English texts in, their back-translations through a pivot out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from genre_batch.errors import UsageError
from genre_batch.options import check_strings

__all__ = ["Translator", "select_pivots"]


class Translator(Protocol):
    """Translates English texts into another language and back.

    Attributes:
        name: the translator's name in messages.
        pivots: the languages, or chains of languages, that the installed data support.
        batch_size: the number of texts per call; an interruption loses at most one batch.
    """

    name: str
    pivots: tuple[str, ...]
    batch_size: int

    def identity(self, pivot: str) -> str:
        """Return the translator, its version and its data: equal identities translate alike."""

    def back_translate(self, texts: Sequence[str], pivot: str) -> list[str]:
        """Translate texts through a pivot; the copy of a text depends on that text alone.

        Args:
            texts: English, none of them empty.
            pivot: one of `pivots`.

        Returns:
            One copy per text, in order.

        Raises:
            TrainingError: the translator failed or returned something unexpected.
        """


def select_pivots(pivots: Sequence[str], known: Sequence[str], name: str) -> tuple[str, ...]:
    """Return the given pivots without repetitions, or all known ones if none is given.

    Args:
        pivots: what the caller chose.
        known: the pivots that the translator supports.
        name: the translator's name, for the message.

    Raises:
        UsageError: a pivot is not known, or they are one bare string.
    """
    for pivot in check_strings("pivots", pivots):
        if pivot not in known:
            raise UsageError(
                f"{name} has no pivot {pivot!r}: choose `pivots` from {', '.join(known)}"
            )
    return tuple(dict.fromkeys(pivots)) or tuple(known)
