"""Promise: the shipped models perform as their metadata and their card state."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from genre_batch.evaluation.metrics import score_predictions
from genre_batch.model.tagger import GenreTagger
from genre_batch.model.text_keys import text_key
from support.genres import parse_column
from support.places import ROOT


@dataclass(frozen=True)
class Promised:
    """What a shipped model promises: its file of figures, its layers, and scores on `test`."""

    figures: str
    layers: int
    macro_f1: float
    micro_f1: float


PROMISED = {
    "default": Promised("shipped.json", 6, 0.65, 0.69),
    "fast": Promised("shipped-fast.json", 3, 0.65, 0.69),
}


@pytest.fixture(scope="module", params=PROMISED)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def promised(name: str) -> Promised:
    return PROMISED[name]


@pytest.fixture(scope="module")
def shipped(name: str) -> GenreTagger:
    return GenreTagger.load(name)


@pytest.fixture(scope="module")
def samples() -> pl.DataFrame:
    return pl.read_csv(ROOT / "samples" / "films.csv")


def test_it_predicts_nineteen_genres_and_reads_titles(shipped: GenreTagger) -> None:
    assert len(shipped.labels) == 19
    assert {"Drama", "Science Fiction", "TV Movie"} <= set(shipped.labels)
    assert shipped.metadata.text_template == "{title}. {overview}"


def test_its_metadata_states_where_it_comes_from(shipped: GenreTagger, promised: Promised) -> None:
    provenance = shipped.metadata.provenance
    assert provenance["shape"] == [promised.layers, 384, 12, 1536]
    assert provenance["precision"] == "int8"
    assert {entry["file"] for entry in provenance["data"]} == {
        "mymoviedb.parquet",
        "extra.parquet",
        "more.parquet",
        "translated.parquet",
        "wordings.parquet",
    }
    assert all(len(entry["sha256"]) == 64 for entry in provenance["data"])


def test_its_stored_scores_are_no_worse_than_promised(
    shipped: GenreTagger, promised: Promised
) -> None:
    metrics = shipped.metadata.metrics
    figures = metrics["test"]["title_and_overview"]
    assert figures["macro_f1"] >= promised.macro_f1
    assert figures["micro_f1"] >= promised.micro_f1
    assert metrics["export"]["macro_f1_loss_points_development_and_test"] <= 0.5


def test_a_film_s_probabilities_are_bit_equal_alone_and_in_a_batch(
    shipped: GenreTagger, samples: pl.DataFrame
) -> None:
    words = " ".join(samples["overview"].drop_nulls()).split()
    # Each length many times, so that batches are full, and lengths far apart.
    texts = [
        " ".join(words[start : start + length])
        for length in (1, 4, 15, 16, 40, 120)
        for start in range(0, 300, 25)
    ]
    together = shipped.predict_proba(texts)
    for index in range(0, len(texts), 5):
        alone = shipped.predict_proba(texts[index : index + 1])
        assert alone.tobytes() == together[index].tobytes()


def test_it_predicts_a_correct_genre_for_most_films_outside_its_training_data(
    shipped: GenreTagger, samples: pl.DataFrame
) -> None:
    with_text = samples.filter(pl.col("overview").is_not_null())
    predicted = shipped.tag(with_text["overview"].to_arrow(), with_text["title"].to_arrow())
    correct = sum(
        genres is not None and bool(set(genres) & set(truth.split(", ")))
        for genres, truth in zip(predicted, with_text["genres"], strict=True)
    )
    assert correct >= 0.8 * len(with_text)


def test_a_film_s_probabilities_are_bit_equal_in_any_order_and_number_of_threads(
    shipped: GenreTagger, samples: pl.DataFrame
) -> None:
    texts = samples["overview"].to_list()
    together = shipped.predict_proba(texts)
    assert np.array_equal(shipped.predict_proba(texts[::-1])[::-1], together, equal_nan=True)
    for threads in (1, 3):
        tagger = GenreTagger.load(shipped.path, threads=threads)
        for start in range(0, len(texts), 7):
            part = tagger.predict_proba(texts[start : start + 7])
            assert np.array_equal(part, together[start : start + 7], equal_nan=True)


@pytest.mark.slow
def test_its_scores_on_the_clean_test_part_are_those_in_its_metadata(
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
        stored = shipped.metadata.metrics["test"][variant]
        assert scores.films == stored["films"]
        # Other processor types may round int8 products differently.
        assert scores.macro_f1 == pytest.approx(stored["macro_f1"], abs=0.005)
        assert scores.micro_f1 == pytest.approx(stored["micro_f1"], abs=0.005)


def test_it_was_trained_on_no_film_of_the_held_out_parts(shipped: GenreTagger, data: Path) -> None:
    trained = set(shipped.metadata.training_text_keys.tolist())
    split = pl.read_csv(data / "mymoviedb.split.csv")
    keys = [int(key, 16) for key in split["overview_key"]]
    held_out = {key for key, part in zip(keys, split["part"], strict=True) if part != "train"}
    assert trained.isdisjoint(held_out)
    extra = pl.read_parquet(data / "extra_movies.parquet")
    tested = extra.filter(pl.col("part") == "test")["overview"]
    assert trained.isdisjoint(text_key(overview) for overview in tested)


def test_the_model_card_quotes_the_scores_in_its_metadata(
    shipped: GenreTagger, promised: Promised
) -> None:
    card = (ROOT / "export" / "README.md").read_text(encoding="utf-8")
    figures = ROOT / "docs" / "results" / promised.figures
    recorded = json.loads(figures.read_text(encoding="utf-8"))
    assert recorded["sha256"] == shipped.sha256
    assert recorded["metrics"] == json.loads(json.dumps(shipped.metadata.metrics))
    assert shipped.sha256 in card
    for part in ("dev", "test"):
        for scores in shipped.metadata.metrics[part].values():
            for name in ("macro_f1", "micro_f1", "map"):
                low, high = scores[f"{name}_interval"]
                assert f"{scores[name]:.3f} ({low:.3f}-{high:.3f})" in card
