"""Labeled films in many scripts, written for the tests: any number of different texts of each."""

# ruff: noqa: RUF001

from __future__ import annotations

import itertools

__all__ = ["SCRIPTS", "film_texts"]

SCRIPTS = {
    "Cyrillic": ("сыщик врач солдат певец", "ищет теряет любит прячет", "брата город письмо ключ"),
    "Greek": ("ο γιατρός|ο ναύτης|ο κλέφτης|ο δάσκαλος", "ψάχνει χάνει κρύβει", "γράμμα νησί δώρο"),
    "Arabic": ("الشرطي الطبيب اللص الجندي", "يبحث|يهرب|يعود|ينام", "مدينة رسالة صديق بيت"),
    "Hebrew": ("הבלש הרופא הגנב החייל", "מחפש מאבד אוהב מסתיר", "עיר מכתב חבר בית"),
    "Devanagari": ("सिपाही चोर राजा गायक", "खोजता खोता छिपाता", "शहर पत्र मित्र घर"),
    "Thai": ("ตำรวจ หมอ โจร ทหาร", "ตามหา ทำหาย ซ่อน", "เมือง จดหมาย เพื่อน บ้าน"),
    "Han": ("警察 医生 小偷 士兵", "寻找 失去 隐藏", "城市 信件 朋友 房子"),
    "Kana": ("けいさつ いしゃ どろぼう", "さがす なくす かくす", "まち てがみ ともだち いえ"),
    "Hangul": ("형사 의사 도둑 군인", "찾는다 잃는다 숨긴다", "도시 편지 친구 집"),
    "Han with Latin": ("警察Bob 医生Bob 小偷Ann", "find找 lose失", "city城 mail信 home家"),
}
"""Script -> the words of each of three places of a sentence."""


def film_texts(script: str, count: int) -> list[str]:
    """Return different texts of a script.

    Args:
        script: of `SCRIPTS`.
        count: up to a few thousand.
    """
    places = [place.split("|" if "|" in place else " ") for place in SCRIPTS[script]]
    sentences = [" ".join(words) for words in itertools.product(*places)]
    pairs = itertools.chain(([one] for one in sentences), itertools.permutations(sentences, 2))
    return [", ".join(pair) + "." for pair in itertools.islice(pairs, count)]
