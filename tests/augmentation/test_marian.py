"""Marian models in transformers: tiny models with random weights, created here."""

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
    """Write a Marian model with a few thousand random weights, and its tokenizer."""
    folder.mkdir(parents=True)
    buffer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 20),
        model_writer=buffer,
        vocab_size=30,
        minloglevel=2,
    )
    for name in ("source.spm", "target.spm"):
        (folder / name).write_bytes(buffer.getvalue())
    pieces = sentencepiece.SentencePieceProcessor(model_proto=buffer.getvalue())
    words = [pieces.id_to_piece(index) for index in range(pieces.get_piece_size())]
    words = [*SPECIAL[:2], *(word for word in words if word not in ("<s>", *SPECIAL)), SPECIAL[2]]
    vocabulary = {word: index for index, word in enumerate(words)}
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
    """Write the models of one pivot, Spanish."""
    folder = tmp_path_factory.mktemp("models")
    for seed, name in enumerate(MODELS["es"]):
        _write_model(folder / name, seed)
    return folder


# The tokenizers recommend a package that would only normalize quotes.
pytestmark = pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses:UserWarning")


def test_copies_keep_the_order_and_each_depends_on_its_text_alone(models: Path) -> None:
    marian = Marian(models=models)
    assert marian.pivots == ("es",)
    copies = marian.back_translate(TEXTS, "es")
    assert len(copies) == len(TEXTS)
    assert all(isinstance(copy, str) and copy for copy in copies)
    assert copies == [marian.back_translate([text], "es")[0] for text in TEXTS]


def test_a_text_is_translated_sentence_by_sentence(models: Path) -> None:
    marian = Marian(models=models)
    whole, last = marian.back_translate([TEXTS[0], TEXTS[2]], "es")
    assert whole.endswith(last)


def test_initials_and_titles_do_not_end_a_sentence() -> None:
    assert sentences('Dr. No meets J. R. Smith. They fight! "Why?" he asks.') == [
        "Dr. No meets J. R. Smith.",
        "They fight!",
        '"Why?" he asks.',
    ]
    assert sentences("no end, no start") == ["no end, no start"]


def test_the_identity_depends_on_the_weights(models: Path, tmp_path: Path) -> None:
    there, back = MODELS["es"]
    shutil.copytree(models / there, tmp_path / there)
    _write_model(tmp_path / back, seed=7)
    identity = Marian(models=models).identity("es")
    assert identity == Marian(["es"], models).identity("es")
    assert identity != Marian(models=tmp_path).identity("es")


def test_a_pivot_without_its_models_is_an_error(models: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"lacks models for ko: .* has no folder opus-mt-tc"):
        Marian(["ko"], models)
    with pytest.raises(UsageError, match="lacks models for zh, tl, es, ja, ko"):
        Marian(models=tmp_path)
    with pytest.raises(UsageError, match=r"`models`: no such folder: .*nowhere"):
        Marian(models=tmp_path / "nowhere")
    with pytest.raises(
        UsageError, match="has no pivot 'fr': choose `pivots` from zh, tl, es, ja, ko"
    ):
        Marian(["fr"])


def test_a_damaged_model_is_one_line(models: Path, tmp_path: Path) -> None:
    shutil.copytree(models, tmp_path, dirs_exist_ok=True)
    (tmp_path / MODELS["es"][0] / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(
        TrainingError, match=r"cannot load the translation model .*`models`"
    ) as caught:
        Marian(models=tmp_path).back_translate(TEXTS, "es")
    assert "\n" not in str(caught.value)


def test_without_the_hub_the_error_names_what_to_do() -> None:
    with pytest.raises(TrainingError, match=r"Helsinki-NLP/opus-mt-en-es: .*`models`"):
        Marian(["es"]).back_translate(TEXTS, "es")
