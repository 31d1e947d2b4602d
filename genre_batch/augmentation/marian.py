"""Back-translation by Marian models of the OPUS-MT project, through transformers.

Tiedemann and Thottingal 2020, "OPUS-MT: Building open translation services for the World". The
models were trained on sentences, so texts are translated sentence by sentence. The Korean model on
the hub is reported to translate badly (Helsinki-NLP/OPUS-MT-train, issue 81): check its copies
first, or put another model under that name into the folder of models.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genre_batch.augmentation.translator import select_pivots
from genre_batch.dataset.sentences import sentences
from genre_batch.errors import TrainingError, UsageError, first_line
from genre_batch.extras import require_extra
from genre_batch.hub import load_from_hub
from genre_batch.path_checks import check_input_folder

__all__ = ["MODELS", "Marian"]

MODELS = {
    "zh": ("opus-mt-en-zh", "opus-mt-zh-en"),
    "tl": ("opus-mt-en-tl", "opus-mt-tl-en"),
    "es": ("opus-mt-en-es", "opus-mt-es-en"),
    "ja": ("opus-mt-en-jap", "opus-mt-ja-en"),
    "ko": ("opus-mt-tc-big-en-ko", "opus-mt-ko-en"),
}
"""Pivot -> the models from and to English; the pivots are the paper's five languages: Chinese,
Filipino, Spanish, Japanese and Korean."""

_ORGANIZATION = "Helsinki-NLP"
_TARGETS = {"zh": ">>cmn_Hans<<"}
"""Pivot -> the target language to request from a model that has several."""
_BATCH = 32
_BEAMS = 4
_MAX_TOKENS = 512


class Marian:
    """Translate with pairs of models, of which only one pair is in memory at a time.

    Attributes:
        name, pivots, batch_size: as in `Translator`.
    """

    name = "Marian"
    batch_size = _BATCH

    def __init__(
        self, pivots: Sequence[str] = (), models: str | os.PathLike[str] | None = None
    ) -> None:
        """Find the models; they are loaded when they are needed.

        Args:
            pivots: keys of `MODELS`; empty: all, or those whose models are in `models`.
            models: a folder with one folder per model, named after it; None: the model hub.

        Raises:
            MissingExtraError: torch, transformers or sentencepiece is not installed.
            UsageError: a pivot is unknown, or the folder lacks its models.
        """
        selected = select_pivots(pivots, tuple(MODELS), self.name)
        require_extra("Marian", "train", "torch", "transformers", "sentencepiece")
        self._folder = None if models is None else Path(models)
        if models is not None:
            check_input_folder(models, "`models`")
            available = tuple(pivot for pivot in selected if not self._missing(pivot))
            unavailable = [pivot for pivot in selected if pivot not in available]
            if unavailable and (pivots or not available):
                raise UsageError(
                    f"Marian lacks models for {', '.join(unavailable)}: `models` {models} has no "
                    f"folder {self._missing(unavailable[0])[0]}: download it there, or leave it "
                    f"out of `pivots`"
                )
            selected = available
        self.pivots = selected
        self._identities: dict[str, str] = {}
        self._loaded: tuple[str, list[_Model]] | None = None

    def _missing(self, pivot: str) -> list[str]:
        assert self._folder is not None
        return [name for name in MODELS[pivot] if not (self._folder / name).is_dir()]

    def _pair(self, pivot: str) -> list[_Model]:
        if self._loaded is None or self._loaded[0] != pivot:
            self._loaded = None  # free the old pair before the new one is loaded
            from_english, to_english = MODELS[pivot]
            pair = [
                _Model(self._source(from_english), _TARGETS.get(pivot)),
                _Model(self._source(to_english), None),
            ]
            self._loaded = (pivot, pair)
        return self._loaded[1]

    def _source(self, name: str) -> str:
        return f"{_ORGANIZATION}/{name}" if self._folder is None else str(self._folder / name)

    def identity(self, pivot: str) -> str:
        """Return both models' names, a hash of their weights, and the number of beams."""
        if pivot not in self._identities:
            models = " ".join(model.identity for model in self._pair(pivot))
            self._identities[pivot] = f"Marian; {models}; {_BEAMS} beams"
        return self._identities[pivot]

    def back_translate(self, texts: Sequence[str], pivot: str) -> list[str]:
        """Translate as `Translator` describes; each distinct sentence once."""
        split = [sentences(text) for text in texts]
        distinct = list(dict.fromkeys(sentence for parts in split for sentence in parts))
        copies = distinct
        for model in self._pair(pivot):
            copies = model.translate(copies)
        copy_of = dict(zip(distinct, copies, strict=True))
        return [" ".join(copy_of[sentence] for sentence in parts).strip() for parts in split]


class _Model:
    """One loaded model.

    Attributes:
        identity: its name and a hash of its weights.
    """

    def __init__(self, source: str, target: str | None) -> None:
        """Load the model.

        Args:
            source: a folder, or a name on the hub.
            target: the token of the target language; None if the model has only one.

        Raises:
            TrainingError: the model is missing, unreachable or damaged.
        """
        self._tokenizer: Any
        self._model: Any
        try:
            self._tokenizer, self._model = load_from_hub(source, lambda local: _load(source, local))
        except Exception as error:  # the libraries' errors for damaged files have no common base
            raise TrainingError(
                f"cannot load the translation model {source}: {first_line(error)}: check the "
                f"folder, or download the models where the hub is reachable and name their folder "
                f"in `models`"
            ) from error
        codes = self._tokenizer.supported_language_codes
        self._target = f"{target} " if target in codes else ""
        self.identity = f"{Path(source).name} {_digest(self._model)}"

    def translate(self, texts: Sequence[str]) -> list[str]:
        """Translate texts; an empty one stays empty."""
        import torch

        # Batches of similar lengths need little padding.
        filled = [index for index, text in enumerate(texts) if text]
        order = sorted(filled, key=lambda index: len(texts[index]))
        translations = [""] * len(texts)
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            tokens = self._tokenizer(
                [self._target + texts[index] for index in rows],
                return_tensors="pt",
                padding=True,
                truncation=True,
                max_length=min(_MAX_TOKENS, self._model.config.max_position_embeddings),
            )
            with torch.inference_mode():
                generated = self._model.generate(
                    **tokens,
                    num_beams=_BEAMS,
                    do_sample=False,
                    max_length=self._model.config.max_position_embeddings,
                )
            decoded = self._tokenizer.batch_decode(generated, skip_special_tokens=True)
            for index, translation in zip(rows, decoded, strict=True):
                translations[index] = translation.strip()
        return translations


def _load(source: str, local: bool) -> tuple[Any, Any]:
    """Load a tokenizer and a model, from local files only or from the hub too."""
    from transformers import MarianMTModel, MarianTokenizer

    with warnings.catch_warnings():
        # The package that it recommends would only normalize quotes.
        warnings.filterwarnings("ignore", message="Recommended: pip install sacremoses")
        tokenizer = MarianTokenizer.from_pretrained(source, local_files_only=local)
    return tokenizer, MarianMTModel.from_pretrained(source, local_files_only=local).eval()


def _digest(model: Any) -> str:
    digest = hashlib.sha256()
    for name, weights in sorted(model.state_dict().items()):
        digest.update(name.encode("utf-8"))
        digest.update(weights.contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
