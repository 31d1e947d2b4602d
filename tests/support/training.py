"""Fixtures of every room that trains: tiny encoders, and films whose words decide their genres.

A pytest plugin (tests/conftest.py names it), so that rooms share one training run. torch is
imported when a fixture is used, so that tests without it start at once.
"""

from __future__ import annotations

import os

os.environ["HF_HUB_OFFLINE"] = "1"  # before transformers is imported: it looks only then

import csv
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from genre_batch.catalog.formats import Location, input_location

if TYPE_CHECKING:
    from genre_batch.dataset.dataset import Dataset
    from genre_batch.training.options import FineTuneOptions
    from genre_batch.training.run import TrainJob, TrainResult

GENRE_WORDS = {
    "Action": ("gun", "chase", "bomb", "soldier"),
    "Comedy": ("joke", "clown", "prank", "laugh"),
    "Horror": ("ghost", "blood", "curse", "scream"),
    "Romance": ("kiss", "wedding", "lover", "heart"),
}
OTHER_WORDS = ("the", "old", "city", "river", "story", "night", "small", "town", "new", "friend")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def _write_films(path: Path, count: int, seed: int) -> Location:
    """Writes invented films: three words of each of their genres among up to five others."""
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        genres = rng.sample(sorted(GENRE_WORDS), rng.choice((1, 1, 2)))
        words = [word for genre in genres for word in rng.sample(GENRE_WORDS[genre], 3)]
        words += rng.choices(OTHER_WORDS, k=rng.randint(1, 5))
        rng.shuffle(words)
        rows.append((f"Film {number}", " ".join(words) + ".", ", ".join(genres)))
    # What real catalogs hold too: a film twice, one without a text, one without a genre.
    title, overview, genres_of_first = rows[0]
    rows += [
        (title, overview.upper(), genres_of_first),
        ("No text", "", "Comedy"),
        ("No genre", "the old city", ""),
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("title", "overview", "genres"), *rows])
    return input_location(str(path))


@pytest.fixture(scope="session")
def base_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny DistilBERT with random weights and its tokenizer."""
    import torch
    from transformers import DistilBertConfig, DistilBertModel, DistilBertTokenizerFast

    folder = tmp_path_factory.mktemp("base")
    words = [word for genre in GENRE_WORDS.values() for word in genre]
    # A film's number falls into its digits; any other word is [UNK].
    vocabulary = [*SPECIAL, *"0123456789.", *(f"##{digit}" for digit in range(10))]
    vocabulary += ["film", *OTHER_WORDS, *words]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    tokenizer = DistilBertTokenizerFast(str(folder / "vocab.txt"), model_max_length=64)
    tokenizer.save_pretrained(folder)
    config = DistilBertConfig(
        vocab_size=len(vocabulary),
        max_position_embeddings=64,
        dim=32,
        n_layers=2,
        n_heads=2,
        hidden_dim=64,
        initializer_range=0.1,
    )
    torch.manual_seed(0)
    DistilBertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_bert(base_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder that is no DistilBERT, with the tiny tokenizer."""
    import torch
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("bert")
    shutil.copytree(base_model, folder, dirs_exist_ok=True)
    config = BertConfig(
        vocab_size=len((folder / "vocab.txt").read_text(encoding="utf-8").splitlines()),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.1,
    )
    torch.manual_seed(0)
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Location:
    """120 labelled films, one of them twice, and two that cannot be learnt from."""
    return _write_films(tmp_path_factory.mktemp("catalog") / "films.csv", 120, seed=0)


@pytest.fixture(scope="session")
def extra_catalog(tmp_path_factory: pytest.TempPathFactory) -> Location:
    """Twenty further films."""
    return _write_films(tmp_path_factory.mktemp("catalog") / "extra.csv", 20, seed=1)


@pytest.fixture(scope="session")
def films(catalog: Location) -> Dataset:
    """The catalog with its titles, split as `trained_run` splits it."""
    from genre_batch.catalog.options import ColumnOptions
    from genre_batch.dataset.load import load_dataset

    return load_dataset(catalog, ColumnOptions(), with_title=True)


@pytest.fixture(scope="session")
def options() -> FineTuneOptions:
    """Enough epochs for the tiny model to learn every word."""
    from genre_batch.training.options import FineTuneOptions

    return FineTuneOptions(
        epochs=12, batch_size=8, learning_rate=3e-3, head_multiplier=3.0, max_length=32
    )


@pytest.fixture(scope="session")
def job(base_model: Path, catalog: Location, options: FineTuneOptions) -> Callable[..., TrainJob]:
    """Makes a job of training the tiny model into a folder, with fields of the caller's choice."""
    from genre_batch.training.run import TrainJob

    standard = TrainJob(catalog, Path(), str(base_model), options=options, with_title=True)

    def make(folder: Path, **changes: object) -> TrainJob:
        return replace(standard, folder=folder, **changes)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def report(
    tmp_path_factory: pytest.TempPathFactory,
    job: Callable[..., TrainJob],
    extra_catalog: Location,
) -> TrainResult:
    """The report of the one full training run that tests share; its folder must stay as it is."""
    from genre_batch.training.run import train

    folder = tmp_path_factory.mktemp("run") / "run"
    return train(job(folder, extra_train=extra_catalog))


@pytest.fixture(scope="session")
def run(report: TrainResult) -> Path:
    """The folder of that run."""
    return report.folder


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory, run: Path) -> dict[str, Path]:
    """That run as a model file of each precision."""
    from genre_batch.exporting.export import PRECISIONS, ExportJob, export_onnx

    folder = tmp_path_factory.mktemp("exported")
    paths = {precision: folder / f"{precision}.onnx" for precision in PRECISIONS}
    for precision, path in paths.items():
        # So small a model may lose more by eight bits than a real one.
        export_onnx(ExportJob(run, path, precision, max_loss=20))
    return paths
