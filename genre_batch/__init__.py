"""Tag movie catalogs with genres predicted from their overviews.

Each command of `genre-batch` is a function here. `tag_catalog` takes keywords; the others take a
job, a frozen dataclass of the command's options, and return a result:

    evaluate(EvaluationJob("films.csv", part="test")).scores.macro_f1

`tag_table` and `tag_batches` take keywords too, and tables of pyarrow, polars, pandas or DuckDB.

Names are imported when they are first used, so `import genre_batch` is fast.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as in `cli`, which is imported after this
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "Apertium",
    "ApplyJob",
    "ApplyResult",
    "AuditJob",
    "AuditResult",
    "AugmentJob",
    "AugmentResult",
    "CatalogError",
    "ColumnError",
    "ColumnOptions",
    "CompareJob",
    "CompareResult",
    "Decision",
    "Evaluation",
    "EvaluationJob",
    "ExportJob",
    "ExportResult",
    "ExtraTrain",
    "GenreBatchError",
    "GenreTagger",
    "Marian",
    "MissingExtraError",
    "ModelError",
    "OutputExistsError",
    "ReadingOptions",
    "TableOptions",
    "TagOptions",
    "TagSummary",
    "TrainJob",
    "TrainResult",
    "TrainingError",
    "TuneJob",
    "TuneResult",
    "UsageError",
    "WritingOptions",
    "__version__",
    "apply_review",
    "audit",
    "augment",
    "compare",
    "evaluate",
    "export_onnx",
    "tag_batches",
    "tag_catalog",
    "tag_table",
    "train",
    "tune",
]

if TYPE_CHECKING:
    from genre_batch.auditing.run import AuditJob, AuditResult, audit
    from genre_batch.augmentation.apertium import Apertium
    from genre_batch.augmentation.augment import augment
    from genre_batch.augmentation.job import AugmentJob, AugmentResult
    from genre_batch.augmentation.marian import Marian
    from genre_batch.catalog.options import ColumnOptions, ReadingOptions, WritingOptions
    from genre_batch.cluster.api import tag_catalog
    from genre_batch.comparison.job import CompareJob
    from genre_batch.comparison.run import CompareResult, compare
    from genre_batch.dataset.extra import ExtraTrain
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
    from genre_batch.evaluation.evaluate import Evaluation, EvaluationJob, evaluate
    from genre_batch.evaluation.tune import TuneJob, TuneResult, tune
    from genre_batch.exporting.export import ExportJob, ExportResult, export_onnx
    from genre_batch.model.decision import Decision
    from genre_batch.model.tagger import GenreTagger
    from genre_batch.review.apply import apply_review
    from genre_batch.review.job import ApplyJob, ApplyResult
    from genre_batch.tagging.keywords import TableOptions, TagOptions
    from genre_batch.tagging.summary import TagSummary
    from genre_batch.tagging.tables import tag_batches, tag_table
    from genre_batch.training.run import TrainJob, TrainResult, train
    from genre_batch.version import __version__

_MODULES = {
    "auditing.run": ("AuditJob", "AuditResult", "audit"),
    "augmentation.apertium": ("Apertium",),
    "augmentation.marian": ("Marian",),
    "augmentation.augment": ("augment",),
    "augmentation.job": ("AugmentJob", "AugmentResult"),
    "catalog.options": ("ColumnOptions", "ReadingOptions", "WritingOptions"),
    "comparison.job": ("CompareJob",),
    "comparison.run": ("CompareResult", "compare"),
    "dataset.extra": ("ExtraTrain",),
    "evaluation.evaluate": ("Evaluation", "EvaluationJob", "evaluate"),
    "evaluation.tune": ("TuneJob", "TuneResult", "tune"),
    "exporting.export": ("ExportJob", "ExportResult", "export_onnx"),
    "model.decision": ("Decision",),
    "model.tagger": ("GenreTagger",),
    "review.apply": ("apply_review",),
    "review.job": ("ApplyJob", "ApplyResult"),
    "cluster.api": ("tag_catalog",),
    "tagging.keywords": ("TableOptions", "TagOptions"),
    "tagging.summary": ("TagSummary",),
    "tagging.tables": ("tag_batches", "tag_table"),
    "training.run": ("TrainJob", "TrainResult", "train"),
    "version": ("__version__",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}
_NEEDS_TRAINING = ("comparison", "exporting", "training")


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used.

    Raises:
        MissingExtraError: it needs optional packages that are not installed.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module = _MODULE_OF.get(name, "errors")
    if module.startswith(_NEEDS_TRAINING):
        from genre_batch.extras import require_extra

        require_extra(f"genre_batch.{name}", "train")
    return getattr(import_module(f"{__name__}.{module}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
