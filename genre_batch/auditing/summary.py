"""The result of an audit."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import pyarrow as pa

from genre_batch.profile.profile import CatalogProfile

__all__ = ["AuditResult", "GenreAudit"]


@dataclass(frozen=True)
class GenreAudit:
    """What an audit found about one genre, over the rows with text and genres.

    Attributes:
        genre: its name.
        rows: the rows that have it.
        missing: the estimated number of rows that lack it and should have it.
        wrong: the estimated number of rows that have it and should not.
        true_rows: the estimated number of rows that should have it: `rows` - `wrong` + `missing`.
        true_rows_interval: its 95 % interval.
        records_missing, records_doubtful: the records written about it, by kind.
    """

    genre: str
    rows: int
    missing: float
    wrong: float
    true_rows: float
    true_rows_interval: tuple[float, float]
    records_missing: int
    records_doubtful: int


@dataclass(frozen=True)
class AuditResult:
    """Counts of an audit, and what it found about each genre.

    Attributes:
        rows: rows read.
        rows_audited: rows with text and genres, whose labels were scored.
        rows_without_text: rows without text, which the model cannot score.
        rows_without_genres: rows with text whose genres are not known; see `AuditJob.select`.
        rows_seen_in_training: rows whose text the model was trained on: it has learned their
            labels, mistakes included, and finds less in them.
        rows_in_other_languages: rows whose text is not in the language that the model reads.
        rows_rejected, rows_padded: as in `TagSummary`.
        rejects, first_reject, reject_advice, first_padded: as in `TagSummary`.
        records: the number of records written.
        calibrated: whether the model's file calibrates its probabilities.
        genres: each genre, in the order of the model.
        ignored: genres that the model does not know -> their rows.
        id_column, title_column, text_column, genre_column: the columns that were used, as the
            catalog names them; None where there is none.
        record_columns: the name in a record of each of these columns.
        texts_predicted, texts_from_cache: as in `TagSummary`.
        row_name: what the model calls a row, in the plural.
        model, model_sha256: the model file and its hash.
        output: the path of the records; None for stdout.
        seconds: from opening the catalog to the finished output.
        profile: counts by genre, year and pair of genres, if the job asks for them; else None.
        kept: likewise, the records with the highest scores, at most 20,000, in their order.
        texts_foreign: the texts in a script that the model hardly reads.
    """

    rows: int
    rows_audited: int
    rows_without_text: int
    rows_without_genres: int
    rows_seen_in_training: int
    rows_in_other_languages: int
    rows_rejected: int
    rows_padded: int
    rejects: str | None
    first_reject: str | None
    reject_advice: str | None
    first_padded: str | None
    records: int
    calibrated: bool
    genres: tuple[GenreAudit, ...]
    ignored: dict[str, int]
    id_column: str | None
    title_column: str | None
    text_column: str | None
    genre_column: str | None
    record_columns: dict[str, str]
    texts_predicted: int
    texts_from_cache: int
    row_name: str
    model: str
    model_sha256: str
    output: str | None
    seconds: float
    texts_foreign: int = 0
    profile: CatalogProfile | None = None
    kept: pa.Table | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the result as `--summary-json` writes it; estimates have one decimal."""
        result = asdict(replace(self, profile=None, kept=None))
        for name in ("profile", "kept"):
            del result[name]
        for genre in result["genres"]:
            for name in ("missing", "wrong", "true_rows"):
                genre[name] = round(genre[name], 1)
            genre["true_rows_interval"] = [round(end, 1) for end in genre["true_rows_interval"]]
        return result
