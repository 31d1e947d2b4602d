"""Teachers that answer about films they have not learnt from.

A teacher has the labels of the films it learnt from nearly by heart, so that of those its answers
say little that the labels do not. Where several teachers each leave out another fold of the
training part, every film has one that has not seen it: cross-fitting, as in Dao, Kamath, Syrgkanis
and Mackey 2021, "Knowledge Distillation as Semiparametric Inference".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Fold"]


@dataclass(frozen=True)
class Fold:
    """One of so many parts of the training films.

    Attributes:
        number: which one, from 1.
        of: how many there are, at least 2.
    """

    number: int
    of: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of or self.of < 2:
            raise ValueError(f"there is no fold {self.number}/{self.of}")

    @classmethod
    def parse(cls, text: str) -> Fold:
        """`2/3` -> the second of three.

        Raises:
            ValueError: it is not so written, or there is no such fold.
        """
        written = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
        if written is None:
            raise ValueError(f"{text!r} is no fold: 2/3 is the second of three")
        return cls(int(written[1]), int(written[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def holds(self, keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """(films,) bool: which films are in it. Films of one key are in the same."""
        return np.asarray(keys % np.uint64(self.of) == self.number - 1)
