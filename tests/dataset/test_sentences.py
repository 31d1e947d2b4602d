"""An English text is split after sentences."""

from __future__ import annotations

import pytest

from genre_batch.dataset.sentences import sentences


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Dr. Who meets J. Doe. They run.", ["Dr. Who meets J. Doe.", "They run."]),
        ("He met Capt. Hook", ["He met Capt. Hook"]),
        ("It was NoCapt. Then he left.", ["It was NoCapt.", "Then he left."]),
        ("A film by P. Then", ["A film by P. Then"]),
        ("Then. Mr. No", ["Then.", "Mr. No"]),
        ("She says “no.” He goes.", ["She says “no.”", "He goes."]),
        ("", [""]),
    ],
)
def test_a_text_is_split_after_sentences_but_not_after_initials_and_titles(
    text: str, parts: list[str]
) -> None:
    assert sentences(text) == parts


@pytest.mark.parametrize("unit", ["A. ", "Dr. ", ". '", ".", " ", "x.' ", '."'])
def test_a_long_text_loses_nothing(unit: str) -> None:
    text = unit * 20_000
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
