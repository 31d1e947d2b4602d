"""dataset/readable.py: a base model that cannot read the catalog is told before training."""

from __future__ import annotations

import warnings

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import BertPreTokenizer

from genre_batch.dataset.readable import check_readable
from genre_batch.errors import GenreBatchWarning, TrainingError
from support.catalogs import overviews
from support.scripts import film_texts


def _tokenizer(letters: str = "") -> Tokenizer:
    words = {word.strip(".") for text in overviews(60) for word in text.split()}
    pieces = ["[UNK]", *sorted(words), *letters, *(f"##{letter}" for letter in letters)]
    vocabulary = {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer


def test_a_catalog_in_the_base_model_s_language_passes_without_a_word() -> None:
    texts = [*overviews(60), *film_texts("Han", 2)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_readable("tiny", _tokenizer(), texts)
        check_readable("tiny", _tokenizer(), [])


@pytest.mark.parametrize("script", ["Cyrillic", "Han", "Thai", "Devanagari"])
def test_a_catalog_of_unknown_words_is_refused_with_what_to_type(script: str) -> None:
    with pytest.raises(TrainingError) as refused:
        check_readable("tiny", _tokenizer(), film_texts(script, 600))
    message = str(refused.value)
    assert message.startswith("the base model 'tiny' cannot read this catalog: 100% of the words")
    assert f"(script: {script})" in message
    assert "use `base_model` distilbert-base-multilingual-cased, or a local folder" in message
    assert "\n" not in message


def test_a_catalog_of_spelled_words_is_warned_of() -> None:
    texts = film_texts("Cyrillic", 60)
    letters = "".join(sorted(set("".join(texts)) - set(" .,")))
    with pytest.warns(GenreBatchWarning, match=r"hardly reads 100% of the texts, such as 'сыщик"):
        check_readable("tiny", _tokenizer(letters), texts)


def test_a_second_language_is_warned_of() -> None:
    with pytest.warns(GenreBatchWarning, match=r"hardly reads 50% of the texts, .*script: Greek"):
        check_readable("tiny", _tokenizer(), [*overviews(60), *film_texts("Greek", 60)])
