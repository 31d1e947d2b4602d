"""Fixtures for rooms that train: tiny encoders, films whose words decide their genres, a run.

This is a pytest plugin (named in tests/conftest.py), so that all rooms share one training run.
torch is only imported when a fixture is used, so that tests without it start at once.
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
    from transformers import BertConfig

    from genre_batch.dataset.dataset import Dataset
    from genre_batch.training.options import TrainingOptions, TrainJob
    from genre_batch.training.run import TrainResult

GENRE_WORDS = {
    "Action": ("gun", "chase", "bomb", "soldier"),
    "Comedy": ("joke", "clown", "prank", "laugh"),
    "Horror": ("ghost", "blood", "curse", "scream"),
    "Romance": ("kiss", "wedding", "lover", "heart"),
}
OTHER_WORDS = ("the", "old", "city", "river", "story", "night", "small", "town", "new", "friend")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


class InterruptionError(Exception):
    """Stands for whatever interrupts a run."""


TINY = {
    "max_position_embeddings": 64,
    "dim": 32,
    "n_layers": 2,
    "n_heads": 2,
    "hidden_dim": 64,
    "initializer_range": 0.1,
}
"""The sizes of a tiny DistilBERT, and its widely spread random weights."""


def interrupt_at(stage: str, step: int) -> Callable[[int, int, str], None]:
    """Return a progress callback that raises InterruptionError.

    Args:
        stage: the stage to interrupt.
        step: the step from which on; a negative one counts from the end.
    """

    def progress(done: int, total: int, what: str) -> None:
        if what == stage and done >= (step if step >= 0 else total + step):
            raise InterruptionError

    return progress


def tiny_bert_config(**changes: object) -> BertConfig:
    """Return the configuration of a tiny BERT."""
    from transformers import BertConfig

    sizes: dict[str, object] = {
        "vocab_size": 50,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 64,
        "initializer_range": 0.1,
    }
    return BertConfig(**(sizes | changes))


def _write_films(path: Path, count: int, seed: int) -> Location:
    """Write invented films: three words of each of their genres among up to five others."""
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        genres = rng.sample(sorted(GENRE_WORDS), rng.choice((1, 1, 2)))
        words = [word for genre in genres for word in rng.sample(GENRE_WORDS[genre], 3)]
        words += rng.choices(OTHER_WORDS, k=rng.randint(1, 5))
        rng.shuffle(words)
        rows.append((f"Film {number}", " ".join(words) + ".", ", ".join(genres)))
    # As in real catalogs: a duplicate, a film without a text, a film without a genre.
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
    """Folder of a tiny DistilBERT with random weights, and its tokenizer."""
    import torch
    from transformers import DistilBertConfig, DistilBertModel, DistilBertTokenizerFast

    folder = tmp_path_factory.mktemp("base")
    words = [word for genre in GENRE_WORDS.values() for word in genre]
    # A film's number is split into its digits; any other word is [UNK].
    vocabulary = [*SPECIAL, *"0123456789.", *(f"##{digit}" for digit in range(10))]
    vocabulary += ["film", *OTHER_WORDS, *words]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    tokenizer = DistilBertTokenizerFast(str(folder / "vocab.txt"), model_max_length=64)
    tokenizer.save_pretrained(folder)
    config = DistilBertConfig(vocab_size=len(vocabulary), **TINY)
    torch.manual_seed(0)
    DistilBertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_bert(base_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder that is not a DistilBERT, with the tiny tokenizer."""
    import torch
    from transformers import BertModel

    folder = tmp_path_factory.mktemp("bert")
    shutil.copytree(base_model, folder, dirs_exist_ok=True)
    words = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    config = tiny_bert_config(vocab_size=len(words))
    torch.manual_seed(0)
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Location:
    """120 labeled films, one duplicate, and two rows that cannot be trained on."""
    return _write_films(tmp_path_factory.mktemp("catalog") / "films.csv", 120, seed=0)


@pytest.fixture(scope="session")
def extra_catalog(tmp_path_factory: pytest.TempPathFactory) -> Location:
    """Twenty more films."""
    return _write_films(tmp_path_factory.mktemp("catalog") / "extra.csv", 20, seed=1)


@pytest.fixture(scope="session")
def films(catalog: Location) -> Dataset:
    """The catalog with its titles, split as `report` splits it."""
    from genre_batch.catalog.options import ColumnOptions
    from genre_batch.dataset.load import load_dataset

    return load_dataset(catalog, ColumnOptions(), with_title=True)


@pytest.fixture(scope="session")
def options() -> TrainingOptions:
    """Options with enough epochs for the tiny model to learn every word."""
    from genre_batch.training.options import TrainingOptions

    return TrainingOptions().changed(
        epochs=12, batch_size=8, learning_rate=3e-3, head_multiplier=3.0, max_length=32
    )


@pytest.fixture(scope="session")
def job(base_model: Path, catalog: Location, options: TrainingOptions) -> Callable[..., TrainJob]:
    """Function that makes a job of training the tiny model, given its folder and other fields."""
    from genre_batch.training.options import TrainJob

    standard = TrainJob(catalog.path, Path(), base_model, options=options, with_title=True)

    def make(folder: Path, **changes: object) -> TrainJob:
        return replace(standard, folder=folder, **changes)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def report(
    tmp_path_factory: pytest.TempPathFactory,
    job: Callable[..., TrainJob],
    extra_catalog: Location,
) -> TrainResult:
    """Result of the one full training run that tests share; its folder must not be changed."""
    from genre_batch.training.run import train

    folder = tmp_path_factory.mktemp("run") / "run"
    return train(job(folder, extra_train=extra_catalog.path))


@pytest.fixture(scope="session")
def run(report: TrainResult) -> Path:
    """Folder of that run."""
    return report.folder


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory, run: Path) -> dict[str, Path]:
    """That run as a model file of each precision."""
    from genre_batch.exporting.export import PRECISIONS, ExportJob, export_onnx

    folder = tmp_path_factory.mktemp("exported")
    paths = {precision: folder / f"{precision}.onnx" for precision in PRECISIONS}
    for precision, path in paths.items():
        # So small a model can lose more in eight bits than a real one.
        export_onnx(ExportJob(run, path, precision, max_loss=20))
    return paths
