"""Back-translation by Marian models of the OPUS-MT project, through transformers.

Tiedemann and Thottingal 2020, "OPUS-MT: Building open translation services for the World". The
models were trained on sentences, so a text goes through them sentence by sentence. Of the Korean
one its users say that what the hub has of it translates badly (Helsinki-NLP/OPUS-MT-train, issue
81): look at its copies first, or put another model of that name into the folder of models.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genre_batch.augmentation.translator import check_pivots
from genre_batch.dataset.sentences import sentences
from genre_batch.errors import TrainingError, UsageError
from genre_batch.extras import require_extra
from genre_batch.files import check_input_folder, first_line

__all__ = ["MODELS", "Marian"]

MODELS = {
    "zh": ("opus-mt-en-zh", "opus-mt-zh-en"),
    "tl": ("opus-mt-en-tl", "opus-mt-tl-en"),
    "es": ("opus-mt-en-es", "opus-mt-es-en"),
    "ja": ("opus-mt-en-jap", "opus-mt-ja-en"),
    "ko": ("opus-mt-tc-big-en-ko", "opus-mt-ko-en"),
}
"""Pivot -> the models there and back: the paper's Chinese, Filipino, Spanish, Japanese, Korean."""

_ORGANISATION = "Helsinki-NLP"
_TARGETS = {"zh": ">>cmn_Hans<<"}
"""Which of its target languages a model is asked for, where it has several."""
_BATCH = 32
_BEAMS = 4
_MAX_TOKENS = 512


class Marian:
    """Pairs of models, there and back; those of one pivot are in memory at a time.

    Attributes:
        name, pivots, batch_size: as in `Translator`.
    """

    name = "Marian"
    batch_size = _BATCH

    def __init__(self, pivots: Sequence[str] = (), models: Path | None = None) -> None:
        """Finds the models; they are loaded when they are needed.

        Args:
            pivots: keys of `MODELS` that are needed; none: all, or those that `models` holds.
            models: a folder with a folder for each model, of its name; None: the model hub.

        Raises:
            MissingExtraError: torch, transformers or sentencepiece is not installed.
            UsageError: no such pivot, or the folder has not its models.
        """
        wanted = check_pivots(pivots, tuple(MODELS), self.name)
        require_extra(
            "genre-batch augment --translator marian",
            "train",
            "torch",
            "transformers",
            "sentencepiece",
        )
        self._folder = models
        if models is not None:
            check_input_folder(models, "`models`")
            there = tuple(pivot for pivot in wanted if not self._missing(pivot))
            lacking = [pivot for pivot in wanted if pivot not in there]
            if lacking and (pivots or not there):
                raise UsageError(
                    f"Marian cannot go through {', '.join(lacking)}: {models} has no folder "
                    f"{self._missing(lacking[0])[0]}"
                )
            wanted = there
        self.pivots = wanted
        self._identities: dict[str, str] = {}
        self._loaded: tuple[str, list[_Model]] | None = None

    def _missing(self, pivot: str) -> list[str]:
        assert self._folder is not None
        return [name for name in MODELS[pivot] if not (self._folder / name).is_dir()]

    def _pair(self, pivot: str) -> list[_Model]:
        if self._loaded is None or self._loaded[0] != pivot:
            self._loaded = None  # the old pair goes before the new one comes
            there, back = MODELS[pivot]
            pair = [
                _Model(self._place(there), _TARGETS.get(pivot)),
                _Model(self._place(back), None),
            ]
            self._loaded = (pivot, pair)
        return self._loaded[1]

    def _place(self, name: str) -> str:
        return f"{_ORGANISATION}/{name}" if self._folder is None else str(self._folder / name)

    def identity(self, pivot: str) -> str:
        """Both models' names, a hash of their weights, and how sentences are searched for."""
        if pivot not in self._identities:
            models = " ".join(model.identity for model in self._pair(pivot))
            self._identities[pivot] = f"Marian; {models}; {_BEAMS} beams"
        return self._identities[pivot]

    def back_translate(self, texts: Sequence[str], pivot: str) -> list[str]:
        """As in `Translator`."""
        split = [sentences(text) for text in texts]
        distinct = list(dict.fromkeys(sentence for one in split for sentence in one))
        copies = distinct
        for model in self._pair(pivot):
            copies = model.translate(copies)
        copy_of = dict(zip(distinct, copies, strict=True))
        return [" ".join(copy_of[sentence] for sentence in one).strip() for one in split]


class _Model:
    """One model, loaded.

    Attributes:
        identity: its name and a hash of its weights.
    """

    def __init__(self, place: str, target: str | None) -> None:
        """Loads it from a folder or the hub.

        Raises:
            TrainingError: it is not there, out of reach, or damaged.
        """
        from transformers import MarianMTModel, MarianTokenizer

        try:
            with warnings.catch_warnings():
                # Of a package that would only straighten quotes.
                warnings.filterwarnings("ignore", message="Recommended: pip install sacremoses")
                self._tokenizer: Any = MarianTokenizer.from_pretrained(place)
            self._model: Any = MarianMTModel.from_pretrained(place).eval()
        except Exception as error:  # the libraries' own for a damaged file share no base
            reason = first_line(error)
            raise TrainingError(
                f"cannot load the translation model {place}: {reason}: check the folder, or fetch "
                f"the models on a machine that reaches the hub and name their folder with --models"
            ) from error
        codes = self._tokenizer.supported_language_codes
        self._target = f"{target} " if target in codes else ""
        self.identity = f"{Path(place).name} {_digest(self._model)}"

    def translate(self, texts: Sequence[str]) -> list[str]:
        """The texts in the other language; an empty one stays empty."""
        import torch

        # Texts of one length are computed together, so that little is spent on filling up.
        order = sorted((at for at, text in enumerate(texts) if text), key=lambda at: len(texts[at]))
        found = [""] * len(texts)
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            tokens = self._tokenizer(
                [self._target + texts[at] for at in rows],
                return_tensors="pt",
                padding=True,
                truncation=True,
                max_length=min(_MAX_TOKENS, self._model.config.max_position_embeddings),
            )
            with torch.inference_mode():
                made = self._model.generate(
                    **tokens,
                    num_beams=_BEAMS,
                    do_sample=False,
                    max_length=self._model.config.max_position_embeddings,
                )
            answers = self._tokenizer.batch_decode(made, skip_special_tokens=True)
            for at, answer in zip(rows, answers, strict=True):
                found[at] = answer.strip()
        return found


def _digest(model: Any) -> str:
    digest = hashlib.sha256()
    for name, weights in sorted(model.state_dict().items()):
        digest.update(name.encode("utf-8"))
        digest.update(weights.contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
