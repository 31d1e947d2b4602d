"""The marks that may separate genres in a text, and the evidence for and against each."""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

__all__ = [
    "COMMON",
    "DOUBLED",
    "JOINING",
    "RARE",
    "SPACE",
    "STRONG",
    "WEAK",
    "Present",
    "are_codes",
    "combine",
    "combine_parts",
    "doubled",
    "is_codes",
    "pattern_of",
    "recur",
    "recur_parts",
    "split_parts",
    "stand_alone",
    "typed",
]

SPACE = " "
DOUBLED = {"||": "|", ";;": ";", ", ,": ",", "//": "/", "##": "#", "&&": "&"}
"""Doubled marks that separate, and the mark that names may have then."""
_BULLET = r"[-*•●▪‣–]\s++"
STRONG = {
    "||": r"[|¦]\s*[|¦]++",
    ";;": r";\s*;++",
    ", ,": r",\s*,++",
    "//": r"(?<!:)[/／]{2,}",
    "##": "[#＃]{2}(?![#＃](?![#＃]))",
    "&&": "[&＆]{2,}",
    "|": r"[|¦]",
    "｜": "｜",
    ";": ";",
    "；": "；",
    "؛": "؛",
    "line break": rf"\A{_BULLET}|[\r\n\u2028\u2029]++(?:\s*+{_BULLET})?",
    "<br>": r"<(?i:br)\s*/?>",
    "control character": r"[\x01-\x03\x1c-\x1f]++",
    "tab": r"\t++",
    " • ": r"\s*[•●▪‣]\s*+",
    " / ": r"\s+/\s++",
    " · ": r"\s+[·・∙‧]\s++",
    "।": "[।॥]",
    "。": "[。｡]",
    "、": "[、､]",
    "،": "،",
    "，": "，",
    ",": ",",
}
"""Marks that names rarely have: name -> pattern. Of equal ones, the first is the separator. Lines
may have bullets; control characters separate lists in text files of Hive. What ends a mark is
repeated possessively: space may follow it, and trying every division takes cubic time."""
_TYPED = {"line break": "\n", "tab": "\t", "control character": None}
"""What is typed for a mark that has a name; None: it has several characters."""
COMMON = (",", "،", "，", "、", ";", " / ", " · ", " • ")
"""Those of them that names have too, as in `Crime, Law and Justice`."""
WEAK = {
    "/": "[/／]",
    "·": "[·∙‧]",
    "・": "[・･]",
    "+": r"[+＋]",
    "#": r"\A#|(?<=\S)[#＃](?=[^\s#])|\s+[#＃]\s++",
    "~": "[~～]",
    "^": r"\^",
    "\\": r"\\",
}
"""Marks that names have too, as in `Sci-Fi/Fantasy`: they separate where their parts recur."""
_WORDS = (
    *("and", "or", "und", "oder", "et", "ou", "y", "e", "o", "en", "och", "og", "i", "ja"),
    *("és", "ve", "dan", "и", "та", "і", "και"),
)
JOINING = {
    " & ": r"(?:\A|\s+)[&＆]\s+",
    "&": r"(?<=\S)[&＆](?=\S)",
    **{f" {word} ": rf"(?:\A|\s+)(?i:{word})\s+" for word in _WORDS},
    "和": r"(?<=\w)[和与與及](?=\w)",
    "::": "[:：]{2,}",
    "--": "-{2,}",
    " - ": r"\s+-\s+",
    " – ": r"\s+[–—]\s+",
}
"""Marks inside many names, as in `Action & Adventure`: they separate where their parts recur, alone
and in several combinations."""
RARE = {
    ":": ":",
    " > ": r"\s+[>›»→]\s+",
    "-": r"(?<=\S)-(?=\S)",
    "–": r"(?<=\S)[–—](?=\S)",
    "_": "_",
}
"""Marks inside so many names, as in `red-wine`, that they are only mentioned."""
_CHARACTERS = {
    "||": "|¦",
    "//": "/／",
    "##": "#＃",
    "&&": "&＆",
    "|": "|¦",
    "line break": "\r\n\u2028\u2029",
    "<br>": "<",
    "control character": "\1\2\3\x1c\x1d\x1e\x1f",
    " > ": ">›»→",
    "tab": "\t",
    " • ": "•●▪‣",
    " · ": "·・∙‧",
    "।": "।॥",
    "。": "。｡",
    "、": "、､",
    "/": "/／",
    "·": "·∙‧",
    "・": "・･",
    "+": "+＋",
    "#": "#＃",
    "~": "~～",
    " & ": "&＆",
    "&": "&＆",
    "和": "和与與及",
    "::": ":：",
    " – ": "–—",
    "–": "–—",
}
"""Mark -> characters one of which a text with the mark has; default: the mark's own."""
_WORD_OF = {f" {word} ": re.compile(f"(?i:{word})") for word in _WORDS}
_ANY_WORD = re.compile(f"(?i:{'|'.join(_WORDS)})")
_MOSTLY = 0.8
"""The share of the parts of a mark that must recur (chosen by hand)."""
_ROWS_A_CELL, _CELLS = 10, 3
"""How many rows a cell has on average, and how many cells there are, if their parts should recur
in other cells (chosen by hand)."""
_CODE = re.compile(r"\S*[\d._:#@]\S*")
"""A word that is a code rather than a part of a name, such as `cs.LG`."""


@lru_cache
def pattern_of(marks: tuple[str, ...]) -> re.Pattern[str]:
    """Return the pattern of any of these marks; a mark that is not a known one is literal."""
    known = {**STRONG, **WEAK, **JOINING, **RARE, SPACE: r"\s+"}
    return re.compile("|".join(known.get(mark, re.escape(mark)) for mark in marks) or r"(?!)")


def typed(mark: str | None) -> str | None:
    """Return the separator to type for a mark; None: there is no single one."""
    return mark if mark is None else _TYPED.get(mark, mark)


class Present:
    """The marks that some texts may have, found without a search for each of them."""

    def __init__(self, texts: Collection[str]) -> None:
        """Collect the characters and the words of the texts."""
        words = set(" ".join(texts).split())
        self._characters = frozenset("".join(texts))
        self._words = [word for word in words if _ANY_WORD.fullmatch(word) is not None]

    def __contains__(self, mark: str) -> bool:
        """Return False only if no text has the mark."""
        if (word := _WORD_OF.get(mark)) is not None:
            return any(word.fullmatch(found) for found in self._words)
        return mark == SPACE or not self._characters.isdisjoint(_CHARACTERS.get(mark, mark.strip()))


def split_parts(pattern: re.Pattern[str], names: Iterable[str]) -> dict[str, list[str]]:
    """Return name -> its parts that are not blank."""
    split = pattern.split
    return {name: [bare for part in split(name) if (bare := part.strip())] for name in names}


def _occurrences(split: Mapping[str, list[str]]) -> Counter[str]:
    """Return part -> number of names that have it."""
    return Counter(itertools.chain.from_iterable(map(set, split.values())))


def recur(pattern: re.Pattern[str], names: Iterable[str]) -> bool:
    """Return whether nearly all parts of the names that have a mark occur in other names too."""
    return recur_parts(split_parts(pattern, names))


def recur_parts(split: Mapping[str, list[str]]) -> bool:
    """Return what `recur` does, for names that are split: name -> its parts."""
    occurs = _occurrences(split)
    parts = {part for several in split.values() if len(several) > 1 for part in several}
    recurring = sum(occurs[part] > 1 for part in parts)
    return bool(parts) and recurring >= _MOSTLY * len(parts) and len(occurs) <= len(split)


def combine(pattern: re.Pattern[str], names: Iterable[str]) -> bool:
    """Return whether the parts of the names that have a mark stand alone and in combinations.

    `Action & Adventure` may be one genre although `Action` is one as well. Where `Action & War`,
    `War & Drama` and `Action & Drama` occur, the mark separates. Nearly all parts must stand beside
    different ones, and half of them must be names, too, unless three stand together somewhere.
    """
    return combine_parts(split_parts(pattern, names))


def combine_parts(split: Mapping[str, list[str]]) -> bool:
    """Return what `combine` does, for names that are split: name -> its parts."""
    beside: defaultdict[str, set[frozenset[str]]] = defaultdict(set)
    for parts in map(frozenset, split.values()):
        for part in parts if len(parts) > 1 else ():
            beside[part].add(parts)
    combined = sum(len(sets) > 1 for sets in beside.values())
    if not beside or combined < _MOSTLY * len(beside) or not recur_parts(split):
        return False
    alone = {parts[0] for parts in split.values() if len(parts) == 1}
    three = any(len(set(parts)) > 2 for parts in split.values())
    return three or 2 * len(alone & beside.keys()) >= len(beside)


def doubled(mark: str, labels: Mapping[str, int]) -> bool:
    """Return whether a doubled mark separates, rather than a single one beside an empty genre.

    Where the single one separates too, `a||b` beside `a|c`, its parts recur. In names, such as
    `Action|War` of `Action|War||Drama`, they never do, and the names themselves recur.

    Args:
        mark: a key of `DOUBLED`.
        labels: what the mark separates -> number of distinct cells that have it.
    """
    single = pattern_of((DOUBLED[mark],))
    if DOUBLED[mark] not in STRONG:
        return not recur(single, labels)  # many names have such a mark
    split = split_parts(single, labels)
    several = [name for name, parts in split.items() if name not in parts]
    occurs = _occurrences(split)
    parts = {part for name in several for part in split[name]}
    recurring = sum(labels[name] > 1 for name in several)
    return recurring >= _MOSTLY * len(several) and all(occurs[part] == 1 for part in parts)


def stand_alone(pattern: re.Pattern[str], cells: Mapping[str, int], *, few: bool = False) -> bool:
    """Return whether no part of the cells that have a mark ever occurs in another cell.

    In many rows, genres would occur alone or beside others now and then; parts that never do are
    those of one name.

    Args:
        pattern: of the mark.
        cells: distinct texts, and the number of rows of each.
        few: accept fewer cells and rows, too few to be sure.
    """
    split = split_parts(pattern, cells)
    several = [cell for cell, parts in split.items() if len(set(parts)) > 1]
    rows = sum(cells[cell] for cell in several)
    enough = rows >= _ROWS_A_CELL * len(several) > 0
    if few:
        enough = enough or (len(several) > 1 and rows > _CELLS)
    elif len(several) < _CELLS:
        return False
    if not enough:
        return False
    occurs = _occurrences(split)
    return all(occurs[part] == 1 for cell in several for part in split[cell])


def are_codes(names: Iterable[str]) -> bool:
    """Return whether names of several words are all lists of codes that recur."""
    names = list(names)
    several = [words for name in names if len(words := name.split()) > 1]
    return all(map(is_codes, several)) and recur(pattern_of((SPACE,)), names)


def is_codes(words: list[str]) -> bool:
    """Return whether there are several words and all of them are codes."""
    return len(words) > 1 and all(map(_CODE.fullmatch, words))
