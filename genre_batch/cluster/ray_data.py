"""Predicted genres for a data set of Ray Data, computed by its workers.

Nothing heavy is imported at the top: a worker imports this module before it knows how many threads
it may use.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Unpack

from genre_batch.tagging.keywords import TableOptions, with_keywords

if TYPE_CHECKING:
    from genre_batch.model.tagger import GenreTagger

__all__ = ["TagBatches"]


class TagBatches:
    """A class for `Dataset.map_batches` that appends predicted genres, as `tag_table` does.

        films.map_batches(TagBatches, batch_format="pyarrow")

    Each worker loads the model once. Options are given as `fn_constructor_kwargs={"top_k": 3}`;
    they are checked before the first batch, and `TagBatches(top_k=3)` checks them on the driver. A
    pickled object carries its model and the names of `genre_map`.

    Args:
        model: a path that each worker can read, or a `GenreTagger`, which is shipped to them;
            None: as in `tag_table`. `genre_map` is read where the object is made.
        **options: the keywords of `TableOptions`. `threads` are those of each worker; None: the
            cores that Ray reserves for it (`num_cpus`), at least 1.

    Raises:
        UsageError: an argument is invalid, there is no such model, or it does not have the
            operating point or an excluded genre.
        CatalogError: `genre_map` cannot be used.
        ModelError: the model is unusable.
    """

    @with_keywords(TableOptions)
    def __init__(
        self,
        *,
        model: str | os.PathLike[str] | GenreTagger | None = None,
        **options: Unpack[TableOptions],
    ) -> None:
        """Load the model; arguments and errors are those of the class."""
        threads = options.get("threads")
        threads = _reserved_cores() if threads is None else threads
        # The tokenizer and polars would take every core of the machine in each worker.
        for variable in ("RAYON_NUM_THREADS", "POLARS_MAX_THREADS"):
            os.environ.setdefault(variable, str(threads))
        from genre_batch.model.tagger import GenreTagger
        from genre_batch.tagging.job import tag_job
        from genre_batch.tagging.tables import TableTagger

        if isinstance(model, GenreTagger):
            self._job = tag_job(**options)
            self._tagger = GenreTagger(model.file, threads)
        else:
            self._job = tag_job(model=model, **options)
            self._tagger = GenreTagger.load(self._job.model, threads=threads)
        self._written = TableTagger(self._job, self._tagger).written

    def __call__(self, batch: Any) -> Any:
        """Return a batch with predicted genres.

        Args:
            batch: a pyarrow Table, a pandas DataFrame or a mapping of NumPy arrays: the batch
                formats `pyarrow`, `pandas` and `numpy`.

        Raises:
            ColumnError: a column is missing, ambiguous or already exists.
        """
        from genre_batch.tagging.tables import TableTagger

        return TableTagger(self._job, self._tagger, self._written).tag_whole(batch)


def _reserved_cores() -> int:
    ray: Any = sys.modules.get("ray")
    if ray is None or not ray.is_initialized():
        return 1
    return max(1, int(ray.get_runtime_context().get_assigned_resources().get("CPU", 1)))
