"""Predicted genres for a data set of Ray Data, computed by its workers.

Nothing heavy is imported at the top: a worker imports this module before it knows how many threads
it may use.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genre_batch.model.tagger import GenreTagger

__all__ = ["TagBatches"]


class TagBatches:
    """A class for `Dataset.map_batches` that appends predicted genres, as `tag_table` does.

        films.map_batches(TagBatches, batch_format="pyarrow")

    Each worker loads the model once. Options are given as `fn_constructor_kwargs={"top_k": 3}`.

    Args:
        model: a path that each worker can read, or a `GenreTagger`, which is shipped to them;
            default: as in `TagJob`.
        threads: the number of batches that run in parallel in each worker; None: the cores that
            Ray reserves for it (`num_cpus`), at least 1.
        text_column, title_column, output_column, probabilities: as in `tag_table`.
        threshold, operating_point, top_k, exclude_genres, min_k, calibrated: as in `tag_table`.
        only_missing, replace, null_values: as in `tag_table`.

    Raises:
        UsageError: an argument is invalid, or there is no such model.
        ModelError: the model is unusable.
    """

    def __init__(
        self,
        *,
        model: str | os.PathLike[str] | GenreTagger | None = None,
        text_column: str | None = None,
        title_column: str | None = None,
        threshold: float | None = None,
        operating_point: str | None = None,
        top_k: int | None = None,
        exclude_genres: str | Sequence[str] | None = None,
        output_column: str = "predicted_genres",
        min_k: int | None = None,
        calibrated: bool = False,
        probabilities: bool = False,
        only_missing: str | None = None,
        replace: bool = False,
        null_values: str | Sequence[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Load the model; arguments and errors are those of the class."""
        options = {name: value for name, value in locals().items() if name != "self"}
        threads = _reserved_cores() if threads is None else threads
        # The tokenizer and polars would take every core of the machine in each worker.
        for variable in ("RAYON_NUM_THREADS", "POLARS_MAX_THREADS"):
            os.environ.setdefault(variable, str(threads))
        from genre_batch.model.tagger import GenreTagger
        from genre_batch.tagging.job import tag_job

        is_loaded = isinstance(model, GenreTagger)
        job = tag_job(**(options | {"model": None if is_loaded else model}))
        if isinstance(model, GenreTagger):
            self._tagger = GenreTagger(model.file, threads)
        else:
            self._tagger = GenreTagger.load(job.model, threads=threads)
        self._options = options | {"model": self._tagger, "threads": None}

    def __call__(self, batch: Any) -> Any:
        """Return a batch with predicted genres.

        Args:
            batch: a pyarrow Table, a pandas DataFrame or a mapping of NumPy arrays: the batch
                formats `pyarrow`, `pandas` and `numpy`.

        Raises:
            ColumnError: a column is missing, ambiguous or already exists.
        """
        from genre_batch.tagging.tables import tag_table

        return tag_table(batch, **self._options)


def _reserved_cores() -> int:
    ray: Any = sys.modules.get("ray")
    if ray is None or not ray.is_initialized():
        return 1
    return max(1, int(ray.get_runtime_context().get_assigned_resources().get("CPU", 1)))
