"""The shipped model: what it says of itself is what it does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from genre_batch.catalog.genres import parse_column
from genre_batch.evaluation.metrics import score_predictions
from genre_batch.model.tagger import MODEL_VARIABLE, GenreTagger
from genre_batch.model.text import text_key
from support.places import ROOT


@pytest.fixture(scope="module")
def shipped() -> GenreTagger:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(MODEL_VARIABLE, raising=False)
        return GenreTagger.load()


@pytest.fixture(scope="module")
def samples() -> pl.DataFrame:
    return pl.read_csv(ROOT / "samples" / "films.csv")


def test_it_knows_the_nineteen_genres_and_reads_titles(shipped: GenreTagger) -> None:
    assert len(shipped.labels) == 19
    assert {"Drama", "Science Fiction", "TV Movie"} <= set(shipped.labels)
    assert shipped.metadata.text_template == "{title}. {overview}"


def test_it_says_where_it_comes_from(shipped: GenreTagger) -> None:
    provenance = shipped.metadata.provenance
    assert provenance["shape"] == [6, 384, 12, 1536]
    assert provenance["precision"] == "int8"
    assert {entry["file"] for entry in provenance["data"]} == {
        "mymoviedb.csv",
        "extra_movies.parquet",
    }
    assert all(len(entry["sha256"]) == 64 for entry in provenance["data"])


def test_the_figures_it_carries_are_no_worse_than_promised(shipped: GenreTagger) -> None:
    metrics = shipped.metadata.metrics
    figures = metrics["test"]["title_and_overview"]
    assert figures["macro_f1"] >= 0.62
    assert figures["micro_f1"] >= 0.67
    assert metrics["export"]["macro_f1_loss_points_development_and_test"] <= 0.5


def test_a_film_s_probabilities_are_the_same_to_the_bit_alone_and_in_company(
    shipped: GenreTagger, samples: pl.DataFrame
) -> None:
    words = " ".join(samples["overview"].drop_nulls()).split()
    # Each length many times, so that batches are as full as they get, and lengths far apart.
    texts = [
        " ".join(words[start : start + length])
        for length in (1, 4, 15, 16, 40, 120)
        for start in range(0, 300, 25)
    ]
    together = shipped.predict_proba(texts)
    for at in range(0, len(texts), 5):
        assert shipped.predict_proba(texts[at : at + 1]).tobytes() == together[at].tobytes()


def test_it_finds_the_genres_of_films_it_cannot_have_seen(
    shipped: GenreTagger, samples: pl.DataFrame
) -> None:
    told = samples.filter(pl.col("overview").is_not_null())
    predicted = shipped.tag(told["overview"].to_arrow(), told["title"].to_arrow())
    found = sum(
        genres is not None and bool(set(genres) & set(truth.split(", ")))
        for genres, truth in zip(predicted, told["genres"], strict=True)
    )
    assert found >= 0.8 * len(told)


def test_a_film_s_probabilities_are_bit_equal_however_they_are_asked_for(
    shipped: GenreTagger, samples: pl.DataFrame
) -> None:
    texts = samples["overview"].to_list()
    together = shipped.predict_proba(texts)
    assert np.array_equal(shipped.predict_proba(texts[::-1])[::-1], together, equal_nan=True)
    for threads in (1, 3):
        tagger = GenreTagger.load(shipped.path, threads=threads)
        for start in range(0, len(texts), 7):
            some = tagger.predict_proba(texts[start : start + 7])
            assert np.array_equal(some, together[start : start + 7], equal_nan=True)


def test_its_figures_on_the_clean_test_part_are_those_it_carries(
    shipped: GenreTagger, data: Path
) -> None:
    films = pl.read_csv(data / "mymoviedb.csv", infer_schema=False).with_row_index("row")
    parts = pl.read_csv(data / "mymoviedb.split.csv").cast({"row": pl.UInt32})
    films = films.join(parts.filter(pl.col("part") == "test"), on="row", how="inner")
    genres = parse_column(films["Genre"].to_arrow())
    labels = np.array([[label in cell for label in shipped.labels] for cell in genres])
    for variant, titles in (("title_and_overview", films["Title"].to_list()), ("overview", None)):
        probabilities = shipped.predict_proba(films["Overview"].to_list(), titles)
        scores = score_predictions(labels, probabilities, shipped.thresholds, shipped.labels)
        carried = shipped.metadata.metrics["test"][variant]
        assert scores.films == carried["films"]
        # Another type of processor may round int8 products differently.
        assert scores.macro_f1 == pytest.approx(carried["macro_f1"], abs=0.005)
        assert scores.micro_f1 == pytest.approx(carried["micro_f1"], abs=0.005)


def test_it_was_trained_on_no_film_of_the_held_out_parts(shipped: GenreTagger, data: Path) -> None:
    trained = set(shipped.metadata.training_text_keys.tolist())
    split = pl.read_csv(data / "mymoviedb.split.csv")
    keys = [int(key, 16) for key in split["overview_key"]]
    held_out = {key for key, part in zip(keys, split["part"], strict=True) if part != "train"}
    assert trained.isdisjoint(held_out)
    extra = pl.read_parquet(data / "extra_movies.parquet")
    tested = extra.filter(pl.col("part") == "test")["overview"]
    assert trained.isdisjoint(text_key(overview) for overview in tested)


def test_the_model_card_quotes_the_figures_that_the_model_carries(shipped: GenreTagger) -> None:
    card = (ROOT / "export" / "README.md").read_text(encoding="utf-8")
    recorded = json.loads((ROOT / "docs" / "results" / "shipped.json").read_text(encoding="utf-8"))
    assert recorded["sha256"] == shipped.sha256
    assert recorded["metrics"] == json.loads(json.dumps(shipped.metadata.metrics))
    assert shipped.sha256 in card
    for part in ("dev", "test"):
        for scores in shipped.metadata.metrics[part].values():
            for name in ("macro_f1", "micro_f1", "map"):
                low, high = scores[f"{name}_interval"]
                assert f"{scores[name]:.3f} ({low:.3f}-{high:.3f})" in card
