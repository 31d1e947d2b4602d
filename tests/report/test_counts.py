"""Numbers of films by genre: every genre has a bar in every series."""

from __future__ import annotations

from genre_batch.report.counts import genre_counts
from support.charts import dataset


def test_genres_are_counted_in_every_series_and_sorted_by_the_first_one() -> None:
    before = {"Drama": 5, "War": 1, "Comedy": 5}
    after = {"Drama": 5, "War": 6, "Music": 2}
    figure = genre_counts({"before": before, "after": after}, "Counts", "Films.")
    rows = dataset(figure, "genre", "series", "films")
    assert list(dict.fromkeys(row["genre"] for row in rows)) == ["Comedy", "Drama", "War", "Music"]
    for name, counts in (("before", before), ("after", after)):
        shown = {row["genre"]: row["films"] for row in rows if row["series"] == name}
        assert shown == {"Comedy": 0, "Music": 0} | counts
    assert "yOffset" not in str(genre_counts({"all": before}, "Counts", "Films.").spec)
