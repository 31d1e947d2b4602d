"""model/text_keys.py: when two texts count as the same, in any script."""

# ruff: noqa: RUF001

from __future__ import annotations

import hashlib
import re
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_batch.model.text_keys import known_keys, text_key, text_keys

TABLE = """
    Latin with accents: Amélie écrit à Zoë. | Amélie lit à Zoë.
    Cyrillic: Старый сыщик ищет брата. | Старый сыщик ищет сестру.
    Greek: Ο γιατρός φεύγει. | Ο γιατρός μένει.
    Armenian: Հին քաղաք։ | Նոր քաղաք։
    Georgian: ძველი ქალაქი. | ახალი ქალაქი.
    Arabic: الشرطي يبحث عن أخيه. | الشرطي يبحث عن أخته.
    Hebrew: הבלש חוזר הביתה. | הבלש עוזב את הבית.
    Devanagari: वह दिन लौटा। | वह दीन लौटा।
    Bengali: সে বাড়ি যায়। | সে বাড়ি যাবে।
    Tamil: அவன் வந்தான். | அவள் வந்தாள்.
    Thai: เขากลับบ้าน | เขากลับบาน
    Han: 老侦探回家。 | 老侦探离家。
    Hiragana and Katakana: ビールを飲む。 | ビルを飲む。
    Hangul: 형사가 돌아온다. | 형사가 떠난다.
    Ethiopic: አሮጌ ከተማ። | አዲስ ከተማ።
    Han with Latin: 第 2020 部 Star | 第 2020 集 Star
    Cyrillic with Latin: Фильм Heat 2 | Кино Heat 2
    emoji: 🎬🔥 | 🎬💔
    punctuation: ?! | ...
    signs: ♥ ♥ | ♠ ♠
"""
SENTENCES = {
    name.strip(): texts.split(" | ")
    for name, texts in (line.split(": ", 1) for line in TABLE.strip().splitlines())
}


def _version_1(text: str) -> int:
    reduced = re.sub("[^a-z0-9]+", "", text.lower())
    return int.from_bytes(hashlib.sha256(reduced.encode("ascii")).digest()[:8], "big")


@pytest.mark.parametrize(("one", "other"), SENTENCES.values(), ids=SENTENCES)
def test_different_texts_of_any_script_have_different_keys(one: str, other: str) -> None:
    assert text_key(one) != text_key(other)
    assert text_key("") not in (text_key(one), text_key(other))


def test_no_two_of_these_texts_share_a_key() -> None:
    texts = [text for pair in SENTENCES.values() for text in pair]
    assert len(set(text_keys(texts).tolist())) == len(texts)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("A cop, hunts!", "a COP\r\nhunts", id="ASCII"),
        pytest.param("«Старый» сыщик — БРАТ…", "старый сыщик брат", id="Cyrillic"),
        pytest.param("за́мок", "Замок", id="a stress mark"),
        pytest.param("Ο ΓΙΑΤΡΌΣ", "ο γιατρός", id="a final sigma"),
        pytest.param("Straße", "STRASSE", id="a sharp s"),
        pytest.param("İstanbul", "istanbul", id="a capital with a dot"),
        pytest.param("Cafe\u0301", "Café", id="composed and decomposed"),
        pytest.param("Ｓｔａｒ ２０２０", "star 2020", id="full width"),
        pytest.param("ｶﾞﾝ", "ガン", id="half-width kana"),
        pytest.param("ﬁlm", "film", id="a ligature"),
        pytest.param("می\u200cخواهم", "میخواهم", id="a zero-width non-joiner"),
        pytest.param("كِتَابٌ", "كتاب", id="Arabic vowels"),
        pytest.param("كتـــاب", "كتاب", id="a widened Arabic word"),
        pytest.param("שָׁלוֹם", "שלום", id="Hebrew points"),
        pytest.param("क़िला", "क\u093cिला", id="a nukta, composed or not"),
        pytest.param("老侦探，回家！", "老侦探回家", id="Han"),
        pytest.param("\u1112\u1167\u11bc사", "형사", id="Hangul, composed or not"),
        pytest.param("п\u02bcять", "п’ять", id="an apostrophe that is a letter"),
        pytest.param("I ❤\ufe0f it", "I it", id="emoji between letters"),
        pytest.param("3\ufe0f\u20e3 men", "3 men", id="a keycap"),
    ],
)
def test_case_spacing_punctuation_and_form_do_not_change_a_key(one: str, other: str) -> None:
    assert text_key(one) == text_key(other)


@pytest.mark.parametrize(
    "text",
    [
        "A cop, hunts: 2020!",
        "“Heat” – 1995 … it’s a cop’s tale — 50 €",
        "Star Wars™ ©2020 № 5, 20 ℃",
        "ends\u2028with\u00a0a\u3000space\ufeff",
        "I ❤\ufe0f New York 🗽",
        "\u02bbOhana means family\u02bc",
        "Kelvin, with the sign for Kelvin: \u212a",
    ],
)
def test_texts_whose_letters_and_digits_are_ascii_keep_their_keys(text: str) -> None:
    assert text_key(text) == text_key(text, 1) == _version_1(text)


@given(st.text(st.characters(max_codepoint=127), min_size=1))
def test_ascii_texts_with_a_letter_or_digit_have_the_same_key_in_both_versions(text: str) -> None:
    if re.search("[A-Za-z0-9]", text):
        assert text_key(text) == text_key(text, 1) == _version_1(text)


@given(st.text())
def test_any_text_has_a_key_of_64_bits_in_both_versions(text: str) -> None:
    assert text_key(text, 1) == _version_1(text)
    assert 0 <= text_key(text) < 2**64


@given(st.text(st.characters(codec="utf-8")))
def test_canonically_equal_texts_with_letters_have_the_same_key(text: str) -> None:
    if any(unicodedata.category(character)[0] in "LN" for character in text):
        assert text_key(unicodedata.normalize("NFD", text)) == text_key(text)


def _spelled_out(text: str) -> int:
    """Return the key of a text without combining marks, as version 2 is defined."""
    kept = "".join(c for c in unicodedata.normalize("NFC", text) if c.isalnum())
    folded = unicodedata.normalize("NFKC", kept).casefold()
    reduced = "".join(c for c in unicodedata.normalize("NFKC", folded) if c.isalnum())
    return int.from_bytes(hashlib.sha256(reduced.encode()).digest()[:8], "big")


def test_signs_and_letters_of_western_europe_are_read_as_those_of_any_script() -> None:
    signs = [*range(0x80, 0x149), *range(0x2000, 0x20D0), *range(0x2100, 0x2200)]
    texts = [f"A{chr(sign)}b {chr(sign)}{chr(sign)}" for sign in signs]
    texts += [f"Æ {chr(sign)} – “{chr(sign)}ß”" for sign in signs]
    assert text_keys(texts).tolist() == list(map(_spelled_out, texts))


@given(st.lists(st.none() | st.text(st.characters(codec="utf-8"))), st.sampled_from([1, 2]))
def test_an_array_has_the_keys_of_its_texts(texts: list[str | None], version: int) -> None:
    keys = text_keys(pa.array(["before", *texts, "after"], pa.string())[1:-1], version)
    assert keys.tolist() == [text_key(text or "", version) for text in texts]


def test_texts_with_zero_bytes_have_their_own_keys_in_an_array() -> None:
    texts = ["a\0b", "\0", "", None, "A b"]
    assert text_keys(pa.array(texts)).tolist() == [text_key(text or "") for text in texts]


def test_a_key_is_the_first_64_bits_of_the_sha256_of_the_reduced_text() -> None:
    assert f"{text_key('A!'):016x}" == "ca978112ca1bbdca"
    digest = hashlib.sha256("сыщик".encode()).hexdigest()
    assert f"{text_key('«Сыщик»'):016x}" == digest[:16]


def test_lone_surrogates_have_keys() -> None:
    assert text_key("a\ud800") == text_key("a")
    assert text_key("\ud800") != text_key("\ud801")


def test_known_keys_may_be_in_any_order() -> None:
    keys = np.array([7, 1, 5, 9], dtype=np.uint64)
    assert known_keys(keys, np.array([9, 2, 7], dtype=np.uint64)).tolist() == [
        *(True, False, False, True)
    ]
    assert not known_keys(keys, keys[:0]).any()


def test_a_key_of_nothing_is_never_known() -> None:
    keys = text_keys(["Старый сыщик", "a cop", None], version=1)
    assert known_keys(keys, keys).tolist() == [False, True, False]
    assert known_keys(text_keys(["Старый сыщик", ""]), text_keys(["старый СЫЩИК"])).tolist() == [
        True,
        False,
    ]
    assert text_keys([None]).dtype == np.uint64
