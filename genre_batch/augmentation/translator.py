"""What a translator is: English texts and a pivot in, the texts by way of that language out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from genre_batch.errors import UsageError

__all__ = ["Translator", "check_pivots"]


class Translator(Protocol):
    """Takes English texts into another language and back.

    Attributes:
        name: what it is called in messages.
        pivots: the languages, or chains of them, that it can go through here.
        batch_size: how many texts it wants at a time: what an interruption may cost.
    """

    name: str
    pivots: tuple[str, ...]
    batch_size: int

    def identity(self, pivot: str) -> str:
        """The translator, its version and its data for a pivot: equal ones translate alike."""

    def back_translate(self, texts: Sequence[str], pivot: str) -> list[str]:
        """The texts through a language and back; each one's copy depends on that text alone.

        Args:
            texts: English, none of them empty.
            pivot: of `pivots`.

        Raises:
            TrainingError: the translator died or gave something else than was asked for.
        """


def check_pivots(asked: Sequence[str], known: Sequence[str], name: str) -> tuple[str, ...]:
    """The asked pivots, each once, or all known ones where none is asked for.

    Raises:
        UsageError: one of them is not known.
    """
    for pivot in asked:
        if pivot not in known:
            raise UsageError(f"{name} does not go through {pivot!r}: it knows {', '.join(known)}")
    return tuple(dict.fromkeys(asked)) or tuple(known)
