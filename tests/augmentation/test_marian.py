"""Marian models through transformers: tiny ones with random weights, made here."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest
import sentencepiece
import torch
from transformers import MarianConfig, MarianMTModel, MarianTokenizer

from genre_batch.augmentation.marian import MODELS, Marian
from genre_batch.dataset.sentences import sentences
from genre_batch.errors import TrainingError, UsageError

TEXTS = [
    "The dog sleeps in the old house. Nobody knows why!",
    "A retired detective returns.",
    "Nobody knows why!",
]
SPECIAL = ("</s>", "<unk>", "<pad>")


def _write_model(folder: Path, seed: int) -> None:
    """A Marian model of a few thousand random weights, and its tokenizer."""
    folder.mkdir(parents=True)
    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 20),
        model_writer=made,
        vocab_size=30,
        minloglevel=2,
    )
    for name in ("source.spm", "target.spm"):
        (folder / name).write_bytes(made.getvalue())
    pieces = sentencepiece.SentencePieceProcessor(model_proto=made.getvalue())
    words = [pieces.id_to_piece(at) for at in range(pieces.get_piece_size())]
    words = [*SPECIAL[:2], *(w for w in words if w not in ("<s>", *SPECIAL)), SPECIAL[2]]
    vocabulary = {word: at for at, word in enumerate(words)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    MarianTokenizer(
        str(folder / "source.spm"), str(folder / "target.spm"), str(folder / "vocab.json")
    ).save_pretrained(folder)
    torch.manual_seed(seed)
    size = {"attention_heads": 2, "ffn_dim": 32, "layers": 1}
    config = MarianConfig(
        vocab_size=len(words),
        d_model=16,
        max_position_embeddings=24,
        pad_token_id=len(words) - 1,
        eos_token_id=0,
        decoder_start_token_id=len(words) - 1,
        forced_eos_token_id=0,
        **{f"{side}_{name}": n for side in ("encoder", "decoder") for name, n in size.items()},
    )
    MarianMTModel(config).save_pretrained(folder)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models of one pivot, Spanish."""
    folder = tmp_path_factory.mktemp("models")
    for seed, name in enumerate(MODELS["es"]):
        _write_model(folder / name, seed)
    return folder


# Of a package that would only straighten quotes: the test's own tokenizers warn of it too.
pytestmark = pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses:UserWarning")


def test_every_text_is_answered_in_its_place_and_depends_on_itself_alone(models: Path) -> None:
    marian = Marian(models=models)
    assert marian.pivots == ("es",)
    copies = marian.back_translate(TEXTS, "es")
    assert len(copies) == len(TEXTS)
    assert all(isinstance(copy, str) and copy for copy in copies)
    assert copies == [marian.back_translate([text], "es")[0] for text in TEXTS]


def test_a_text_goes_through_sentence_by_sentence(models: Path) -> None:
    marian = Marian(models=models)
    whole, last = marian.back_translate([TEXTS[0], TEXTS[2]], "es")
    assert whole.endswith(last)


def test_initials_and_titles_end_no_sentence() -> None:
    assert sentences('Dr. No meets J. R. Smith. They fight! "Why?" he asks.') == [
        "Dr. No meets J. R. Smith.",
        "They fight!",
        '"Why?" he asks.',
    ]
    assert sentences("no end, no start") == ["no end, no start"]


def test_its_identity_tells_the_weights(models: Path, tmp_path: Path) -> None:
    there, back = MODELS["es"]
    shutil.copytree(models / there, tmp_path / there)
    _write_model(tmp_path / back, seed=7)
    identity = Marian(models=models).identity("es")
    assert identity == Marian(["es"], models).identity("es")
    assert identity != Marian(models=tmp_path).identity("es")


def test_a_pivot_without_its_models_is_said(models: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot go through ko: .* has no folder opus-mt-tc"):
        Marian(["ko"], models)
    with pytest.raises(UsageError, match="cannot go through zh, tl, es, ja, ko"):
        Marian(models=tmp_path)
    with pytest.raises(UsageError, match=r"`models`: no such folder: .*nowhere"):
        Marian(models=tmp_path / "nowhere")
    with pytest.raises(UsageError, match="does not go through 'fr': it knows zh, tl, es, ja, ko"):
        Marian(["fr"])


def test_a_damaged_model_is_one_line(models: Path, tmp_path: Path) -> None:
    shutil.copytree(models, tmp_path, dirs_exist_ok=True)
    (tmp_path / MODELS["es"][0] / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(
        TrainingError, match=r"cannot load the translation model .*--models"
    ) as told:
        Marian(models=tmp_path).back_translate(TEXTS, "es")
    assert "\n" not in str(told.value)


def test_out_of_reach_of_the_hub_it_says_what_to_do() -> None:
    with pytest.raises(TrainingError, match=r"Helsinki-NLP/opus-mt-en-es: .*--models"):
        Marian(["es"]).back_translate(TEXTS, "es")
