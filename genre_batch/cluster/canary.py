"""Tell processors apart by the bits of their results: the same model may round differently."""

from __future__ import annotations

import hashlib
import platform
from pathlib import Path

import numpy as np

from genre_batch.model.tagger import GenreTagger

__all__ = ["canary", "processor"]

_TEXTS = (
    "A retired thief is talked into one last job and finds that his partner has sold him out.",
    "Two strangers share a taxi, then a dance, then a summer.",
    "The crew of a mining ship wakes forty years too early.",
    "Nobody in the village speaks of the well.",
    "An undertaker's daughter wants to be a comedian.",
    "In 1916 four brothers enlist; one letter comes home.",
    "A documentary about the last lighthouse keepers.",
    "Monster.",
)
"""Of different lengths, because products of other shapes may round differently too."""

_CPU_INFO = Path("/proc/cpuinfo")


def canary(tagger: GenreTagger) -> str:
    """Return the SHA-256 of the probabilities of a few fixed texts, hexadecimal.

    Machines with the same one compute the same bits; without AVX-512 VNNI, for example, products
    of 8-bit numbers saturate and differ.

    Raises:
        ModelError: the model cannot be loaded or run.
    """
    probabilities = np.ascontiguousarray(tagger.predict_proba(_TEXTS), dtype="<f4")
    return hashlib.sha256(probabilities.tobytes()).hexdigest()


def processor() -> str:
    """Return the kind of this machine's processor."""
    try:
        for line in _CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
