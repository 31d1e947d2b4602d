"""Check that a base model's tokenizer covers the texts to train on."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from tokenizers import Tokenizer

from genre_batch.errors import GenreBatchWarning, TrainingError
from genre_batch.model.batching import tokenize
from genre_batch.model.readability import NOT_READ, PieceKinds, main_script

__all__ = ["check_readable"]

SAMPLE = 500
"""Number of texts that are examined, evenly spread over the catalog."""
SHARE_WARNED_OF = 0.05
"""Share of mostly unknown texts above which a warning is given: smaller shares come from quotations
and single rows in another language."""
_ADVICE = (
    "`base_model` distilbert-base-multilingual-cased, or a local folder of an encoder for this "
    "language"
)


def check_readable(name: str, tokenizer: Tokenizer, texts: Sequence[str]) -> None:
    """Check that a base model's tokenizer covers texts; warn if many are mostly unknown tokens.

    Args:
        name: the base model, as the user named it.
        tokenizer: its tokenizer.
        texts: the texts to train on.

    Raises:
        TrainingError: nearly all words are unknown to it, so that there is nothing to learn from.
    """
    sample = list(texts[:: max(1, len(texts) // SAMPLE)])[:SAMPLE]
    reading = PieceKinds(tokenizer).read(tokenize(tokenizer, sample))
    hardly = reading.hardly_read
    share = float(hardly.mean()) if len(hardly) else 0.0
    if share < SHARE_WARNED_OF:
        return
    unread = [text for text, is_hardly in zip(sample, hardly.tolist(), strict=True) if is_hardly]
    where = f"such as {unread[0][:40]!r} (script: {main_script(unread)})"
    if reading.unknown_share > NOT_READ:
        raise TrainingError(
            f"the base model {name!r} cannot read this catalog: {reading.unknown_share:.0%} of the "
            f"words are unknown to its tokenizer, {where}: use {_ADVICE}"
        )
    warnings.warn(
        f"the base model {name!r} hardly reads {share:.0%} of the texts, {where}: most of their "
        f"words are unknown to its tokenizer or cut into single letters; use {_ADVICE}",
        GenreBatchWarning,
        stacklevel=2,
    )
