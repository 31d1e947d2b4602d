"""Sentence mixing: texts of sentences of two films, which only teachers label."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from genre_batch.dataset.dataset import Dataset, concatenate
from genre_batch.dataset.sentence_mixing import mix_sentences
from genre_batch.errors import UsageError
from genre_batch.runs.folder import RunFolder
from genre_batch.training.loop.batches import TokenizedFilms
from genre_batch.training.loop.losses import Objective, make_loss
from genre_batch.training.options import TrainingOptions, TrainJob
from genre_batch.training.run import train

OVERVIEWS = ["A ghost. A scream!", "Is it a joke? It is.", "Blood. Blood. Blood.", "One kiss"]
TITLES = ["Boo", "Ha", "Red", "Love"]
LABELS = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 1], [0, 0, 1]], dtype=np.uint8)


@pytest.fixture
def few(films: Dataset) -> Dataset:
    """Four films with titles; no other film has the second one's genre."""
    return replace(
        films.take(range(4)),
        texts=[f"{title}. {text}" for title, text in zip(TITLES, OVERVIEWS, strict=True)],
        bare_texts=OVERVIEWS,
        labels=LABELS,
        names=["Horror", "Comedy", "Romance"],
    )


def test_a_text_holds_sentences_of_two_films_that_share_a_genre(few: Dataset) -> None:
    made = mix_sentences(few, 200, 0.0, seed=0)
    assert len(made) == 200
    assert made.bare_texts == made.texts
    for text, labels in zip(made.texts, made.labels, strict=True):
        held = [at for at, overview in enumerate(OVERVIEWS) if overview.split(" ")[0] in text]
        assert not ({1} < set(held)), text
        assert text
        assert labels.any()
    assert any("A ghost." in text and "Blood." in text for text in made.texts)
    assert "Is it a joke? It is." in made.texts
    assert made.parts == ["train"] * 200


def test_every_film_comes_first_as_often_as_any_other(few: Dataset) -> None:
    made = mix_sentences(few, 4, 0.0, seed=0)
    # Comedy is the second film's alone, so a text of it is one that it came first in.
    assert sum(labels[1] for labels in made.labels) == 1


def test_a_share_of_the_texts_has_the_title_of_one_of_the_films(few: Dataset) -> None:
    titled = mix_sentences(few, 400, 0.75, seed=0).texts
    share = np.mean([text.startswith(tuple(f"{title}. " for title in TITLES)) for text in titled])
    assert 0.68 < share < 0.82


def test_the_same_seed_gives_the_same_texts(few: Dataset) -> None:
    texts = mix_sentences(few, 50, 0.5, seed=3).texts
    assert mix_sentences(few, 50, 0.5, seed=3).texts == texts
    assert mix_sentences(few, 50, 0.5, seed=4).texts != texts


def test_mixed_texts_are_labeled_with_the_teachers_predictions(
    few: Dataset, base_model: Path, options: TrainingOptions
) -> None:
    from transformers import AutoTokenizer

    both = concatenate(few, mix_sentences(few, 1, 0.0, seed=0))
    targets = np.random.default_rng(0).random((2, 5, 3), dtype=np.float32)
    tokenizer = AutoTokenizer.from_pretrained(base_model)
    tokenized = TokenizedFilms(both, tokenizer, options.changed(title_dropout=0.0), targets)
    np.testing.assert_array_equal(tokenized[3]["labels"], LABELS[3])
    assert np.isnan(tokenized[4]["labels"]).all()
    labels, wanted = (torch.tensor(tokenized[4][name])[None] for name in ("labels", "targets"))
    logits = torch.zeros(1, 3)
    taught = Objective(make_loss("bce", LABELS), 0.7)(logits, labels, wanted)
    assert taught == torch.nn.functional.binary_cross_entropy_with_logits(logits, wanted)


def test_a_student_learns_from_mixed_texts(
    job: Callable[..., TrainJob], run: Path, options: TrainingOptions, tmp_path: Path
) -> None:
    teacher = Path(shutil.copytree(run, tmp_path / "teacher"))  # predictions are cached in it
    chosen = options.changed(epochs=6, recombined=0.5)
    report = train(job(tmp_path / "run", teachers=(teacher,), options=chosen))
    assert report.metrics["dev"]["title_and_overview"]["macro_f1"] > 0.9
    written = RunFolder(report.folder).read_json(RunFolder(report.folder).provenance)
    assert written["options"]["recombined"] == 0.5


def test_mixed_texts_without_a_teacher_are_an_error(
    job: Callable[..., TrainJob], options: TrainingOptions, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="`recombined` needs `teachers`"):
        train(job(tmp_path / "run", options=options.changed(recombined=1.0)))
    assert not (tmp_path / "run").exists()
