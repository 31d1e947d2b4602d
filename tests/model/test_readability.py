"""model/readability.py: which texts a tokenizer reads, of any kind of tokenizer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from genre_batch.model.batching import tokenize
from genre_batch.model.readability import PieceKinds, main_script
from support.scripts import SCRIPTS, film_texts

ENGLISH = ["the old detective looks for his missing brother", "a young singer leaves the city"]


def _word_piece(texts: list[str], letters: str = "") -> Tokenizer:
    """Return a WordPiece tokenizer of the words of some texts, and of further single letters."""
    words = sorted({word.strip(",.") for text in texts for word in text.split()})
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", ".", ",", *words]
    pieces += [piece for letter in letters for piece in (letter, f"##{letter}")]
    vocabulary = {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    return tokenizer


def _read(tokenizer: Tokenizer, texts: list[str]) -> list[bool]:
    return list(PieceKinds(tokenizer).read(tokenize(tokenizer, texts)).hardly_read)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_tokenizer_reads_its_own_script_and_no_other(script: str) -> None:
    texts = film_texts(script, 20)
    assert not any(_read(_word_piece(texts), texts))
    foreign = _word_piece(ENGLISH, "aeiou")
    assert all(_read(foreign, texts))
    assert not any(_read(foreign, ENGLISH))


@pytest.mark.parametrize("script", ["Cyrillic", "Greek", "Hebrew", "Arabic"])
def test_words_spelled_letter_by_letter_are_hardly_read(script: str) -> None:
    texts = film_texts(script, 20)
    tokenizer = _word_piece(ENGLISH, "".join(sorted(set("".join(texts)) - set(" .,"))))
    reading = PieceKinds(tokenizer).read(tokenize(tokenizer, texts))
    assert reading.unknown_share == 0
    assert reading.hardly_read.all()


@pytest.mark.parametrize("script", ["Han", "Kana", "Hangul"])
def test_single_letters_that_are_syllables_or_words_are_read(script: str) -> None:
    texts = film_texts(script, 20)
    tokenizer = _word_piece(ENGLISH, "".join(sorted(set("".join(texts)) - set(" .,"))))
    assert not any(_read(tokenizer, texts))


def test_texts_without_letters_are_not_counted() -> None:
    tokenizer = _word_piece(ENGLISH)
    reading = PieceKinds(tokenizer).read([*tokenize(tokenizer, ["", "the city"]), np.array([0])])
    assert reading.pieces.tolist() == [0, 2, 0]
    assert not reading.hardly_read.any()
    assert len(PieceKinds(tokenizer).read([]).hardly_read) == 0


WORDS = sorted({word for text in ENGLISH for word in text.split()})


def _unigram() -> Tokenizer:
    pieces = [("<unk>", 0.0), *((f"\u2581{word}", -1.0) for word in WORDS)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return tokenizer


def _word_level() -> Tokenizer:
    vocabulary = {word: index for index, word in enumerate(["<unk>", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


def _bpe(byte_level: bool) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token=None if byte_level else "<unk>"))
    tokenizer.pre_tokenizer = (
        pre_tokenizers.ByteLevel() if byte_level else pre_tokenizers.Whitespace()
    )
    alphabet = pre_tokenizers.ByteLevel.alphabet() if byte_level else []
    special = [] if byte_level else ["<unk>"]
    trainer = trainers.BpeTrainer(special_tokens=special, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(ENGLISH * 50, trainer)
    return tokenizer


@pytest.mark.parametrize("make", [_unigram, _word_level, lambda: _bpe(byte_level=False)])
def test_tokenizers_of_other_kinds_are_understood(make: Callable[[], Tokenizer]) -> None:
    tokenizer = make()
    assert not any(_read(tokenizer, ENGLISH))
    assert all(_read(tokenizer, film_texts("Cyrillic", 10)))


def test_a_tokenizer_of_bytes_knows_everything() -> None:
    tokenizer = _bpe(byte_level=True)
    assert not any(_read(tokenizer, ENGLISH))
    reading = PieceKinds(tokenizer).read(tokenize(tokenizer, film_texts("Cyrillic", 10)))
    assert reading.unknown_share == 0


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("The old city", "Latin"),
        ("Старый город City", "Cyrillic"),
        ("老侦探回家", "Han"),
        ("けいさつ", "Kana"),
        ("वह दिन", "Devanagari"),
        ("123 !", None),
    ],
)
def test_the_main_script_is_that_of_most_letters(text: str, script: str | None) -> None:
    assert main_script([text]) == script
