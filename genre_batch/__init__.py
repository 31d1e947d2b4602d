"""Tags movie catalogs with genres predicted from their overviews."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = [
    "CatalogError",
    "ColumnError",
    "GenreBatchError",
    "GenreTagger",
    "MissingExtraError",
    "ModelError",
    "OutputExistsError",
    "TagSummary",
    "TrainingError",
    "UsageError",
    "__version__",
    "tag_catalog",
]

if TYPE_CHECKING:
    from genre_batch.errors import (
        CatalogError,
        ColumnError,
        GenreBatchError,
        MissingExtraError,
        ModelError,
        OutputExistsError,
        TrainingError,
        UsageError,
    )
    from genre_batch.model.tagger import GenreTagger
    from genre_batch.tagging.api import tag_catalog
    from genre_batch.tagging.summary import TagSummary

_HOMES = {
    "__version__": "genre_batch.version",
    "GenreTagger": "genre_batch.model.tagger",
    "TagSummary": "genre_batch.tagging.summary",
    "tag_catalog": "genre_batch.tagging.api",
}


def __getattr__(name: str) -> Any:
    """Public names are imported when asked for: `genre-batch --help` needs none of them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "genre_batch.errors")), name)


def __dir__() -> list[str]:
    return sorted(__all__)
