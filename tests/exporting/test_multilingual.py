"""Promise: a DistilBERT of another language trains, exports, tags and tunes like an English one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from genre_batch.cluster.api import tag_catalog
from genre_batch.evaluation.evaluate import EvaluationJob, evaluate
from genre_batch.evaluation.tune import TuneJob, tune
from genre_batch.exporting.export import ExportJob, export_onnx
from genre_batch.model.metadata import read_model_file
from genre_batch.model.tagger import GenreTagger
from genre_batch.training.options import TrainingOptions, TrainJob
from genre_batch.training.run import train
from support.catalogs import write_csv
from support.training import TINY

WORDS = {"Комедия": "смех шутка клоун", "Драма": "слёзы разлука тоска", "Ужасы": "крик тень Мгла"}
OTHERS = ["старый", "город", "река", "ночь", "друг", "дом"]
SPECIAL = ["[CLS]", "[SEP]", "[MASK]", "[UNK]", "[PAD]"]
"""In another order than the English model's, so that no special token has its usual id."""


def _texts(count: int) -> list[tuple[str, str]]:
    rng = np.random.default_rng(0)
    rows = []
    for number in range(count):
        genre = list(WORDS)[number % 3]
        words = [*rng.permutation(WORDS[genre].split())[:2], *rng.permutation(OTHERS)[:4]]
        rows.append((" ".join(words).capitalize() + ".", genre))
    return rows


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 rows in Russian whose words decide their labels."""
    path = tmp_path_factory.mktemp("catalog") / "фильмы.csv"
    write_csv(path, ("описание", "жанры"), _texts(300))
    return path


def _save_model(folder: Path, vocabulary: int) -> None:
    import torch
    from transformers import DistilBertConfig, DistilBertModel

    config = DistilBertConfig(
        vocab_size=vocabulary,
        **TINY,
        pad_token_id=SPECIAL.index("[PAD]"),
    )
    torch.manual_seed(0)
    DistilBertModel(config).save_pretrained(folder)


@pytest.fixture(scope="module")
def word_piece(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny DistilBERT with a cased WordPiece vocabulary in Russian."""
    from transformers import DistilBertTokenizerFast

    folder = tmp_path_factory.mktemp("word-piece")
    words = [*OTHERS, *" ".join(WORDS.values()).split()]
    letters = sorted(set("".join(words)) | set("".join(words).upper()))
    pieces = [*SPECIAL, ".", *words, *map(str.capitalize, words), *letters]
    pieces = list(dict.fromkeys([*pieces, *(f"##{letter}" for letter in letters)]))
    (folder / "vocab.txt").write_text("\n".join(pieces), encoding="utf-8")
    tokenizer = DistilBertTokenizerFast(
        str(folder / "vocab.txt"), do_lower_case=False, strip_accents=False, model_max_length=64
    )
    tokenizer.save_pretrained(folder)
    _save_model(folder, len(pieces))
    return folder


@pytest.fixture(scope="module")
def unigram(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny DistilBERT with a tokenizer.json of another kind."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("unigram")
    words = [*OTHERS, *" ".join(WORDS.values()).split()]
    pieces = [f"\u2581{word}" for word in [*words, *map(str.capitalize, words)]]
    vocabulary = [*((piece, 0.0) for piece in SPECIAL), *((piece, -1.0) for piece in pieces)]
    vocabulary = [*dict(vocabulary).items(), (".", -2.0)]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=SPECIAL.index("[UNK]")))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 0), ("[SEP]", 1)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=64,
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        unk_token="[UNK]",
        pad_token="[PAD]",
    ).save_pretrained(folder)
    _save_model(folder, len(vocabulary))
    return folder


@pytest.mark.parametrize("kind", ["word_piece", "unigram"])
@pytest.mark.parametrize("precision", ["int8"])
def test_the_whole_chain(
    catalog: Path,
    kind: str,
    precision: str,
    options: TrainingOptions,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    from genre_batch.catalog.options import ColumnOptions

    base_model: Path = request.getfixturevalue(kind)
    columns = ColumnOptions(text_column="описание", genre_column="жанры")
    short = options.changed(epochs=3)
    run, model = tmp_path / "run", tmp_path / "модель.onnx"
    train(TrainJob(catalog, run, base_model, options=short, columns=columns, row_name="фильмы"))
    export_onnx(ExportJob(run, model, precision, max_loss=20))

    metadata = read_model_file(model).metadata
    assert metadata.labels == tuple(sorted(WORDS))
    assert metadata.row_name == "фильмы"
    assert metadata.columns["text"] == "описание"
    assert metadata.provenance["architecture"] == "DistilBERT"

    # Neither command names a column: the model remembers them.
    summary = tag_catalog(catalog, tmp_path / "t.parquet", model=model, probabilities=True)
    assert (summary.text_column, summary.rows_predicted) == ("описание", 300)
    tagged = pl.read_parquet(tmp_path / "t.parquet")
    result = evaluate(EvaluationJob(catalog, model))
    assert result.scores.macro_f1 > 0.9
    assert result.trained_on == len(pl.read_parquet(run / "splits.parquet").filter(part="train"))
    tune(TuneJob(EvaluationJob(catalog, model), tmp_path / "tuned.onnx"))
    assert read_model_file(tmp_path / "tuned.onnx").metadata.columns == metadata.columns

    _check_rows_are_independent(GenreTagger.load(model), tagged)


def _check_rows_are_independent(tagger: GenreTagger, tagged: pl.DataFrame) -> None:
    """Check that a row's probabilities are bit-equal alone, in a batch and in the table."""
    texts = tagged["описание"].to_list()[:40]
    together = tagger.predict_proba(texts)
    alone = np.concatenate([tagger.predict_proba([text]) for text in texts])
    backwards = tagger.predict_proba(texts[::-1])[::-1]
    columns = [f"probability_{label}" for label in tagger.labels]
    written = tagged.head(40).select(columns).to_numpy()
    for others in (alone, backwards, written):
        np.testing.assert_array_equal(together, others)
