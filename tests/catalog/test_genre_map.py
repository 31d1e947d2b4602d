"""Files that map genre names: CSV, JSON and TOML, and what is wrong with others."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_batch.catalog.genre_aliases import GenreIndex
from genre_batch.catalog.genre_map import read_genre_map
from genre_batch.errors import CatalogError, UsageError

LABELS = ("Comedy", "Crime", "Drama", "Romance", "Science Fiction", "Thriller")
INDEX = GenreIndex(LABELS)
EXPECTED = {"sf": ("Science Fiction",), "romcom": ("Romance", "Comedy"), "short": ()}


def _resolved(path: Path, content: str | bytes, index: GenreIndex | None = INDEX) -> object:
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return read_genre_map(path).resolve(index)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.csv", "SF,Science Fiction\nRomcom,Romance,Comedy\nShort,\n"),
        ("m.csv", "Their name,Our genre\nSF,Science Fiction\nRomcom,Romance,Comedy\nShort,\n"),
        ("m.csv", "\ufeffSF;science fiction\r\n\r\nRomcom;Romance;Comedy;\r\nShort;;\r\n"),
        ("m.csv", '"SF", "Sci-Fi"\n"Romcom", "Romance", "Comedy"\n"Short", ""\n'),
        ("m.tsv", "SF\tScience Fiction\nRomcom\tRomance\tComedy\nShort\t\n"),
        ("m", "SF,Science Fiction\nRomcom,Romance,Comedy\nShort,\nsf,science fiction\n"),
        ("m.json", '{"SF": "Science Fiction", "Romcom": ["Romance", "Comedy"], "Short": null}'),
        ("m.json", '{"genres": {"SF": ["SF"], "Romcom": ["Romance", "Comedy"], "Short": ""}}'),
        ("m.txt", '{"SF": "Science Fiction", "Romcom": ["Romance", "Comedy"], "Short": []}'),
        ("m.csv", "sep=;\nSF;Science Fiction\nRomcom;Romance;Comedy\nShort;\n"),
        ("m.csv", "old name,new name,\nSF,Science Fiction,\nRomcom,Romance,Comedy\nShort,,\n"),
        ("m.toml", 'SF = "Science Fiction"\n"Romcom" = ["Romance", "Comedy"]\nShort = []\n'),
        ("m.toml", '[map]\nSF = "SF"\nRomcom = ["Romance", "Comedy"]\nShort = ""\n'),
    ],
)
def test_forms_of_a_map(tmp_path: Path, name: str, content: str) -> None:
    assert _resolved(tmp_path / name, content) == EXPECTED


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    texts = {
        "m.csv": 'name,genre\n\n"a\nb",Drama\nc,Drama\n',
        "m.json": '{\n\n"a b": "Drama",\n "c": "a b"}',
        "m.toml": "\n\n'a b' = \"Drama\"\n\"c\" = 'Drama'\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        lines = read_genre_map(tmp_path / name).lines
        assert [(line.name, line.line) for line in lines] == [
            ("a b", 3),
            ("c", 4 if name != "m.csv" else 5),
        ]


def test_a_genre_that_the_map_names_too_is_looked_up_again(tmp_path: Path) -> None:
    text = "Space,SciFi film\nSciFi film,SF\nOld,Space,Drama\n"
    expected = ("Science Fiction",)
    assert _resolved(tmp_path / "m.csv", text) == {
        "space": expected,
        "scifi film": expected,
        "old": (*expected, "Drama"),
    }
    assert _resolved(tmp_path / "m.csv", text, None) == {
        "space": ("SF",),
        "scifi film": ("SF",),
        "old": ("SF", "Drama"),
    }


def test_a_genre_of_the_model_is_final(tmp_path: Path) -> None:
    text = "Suspense,Thriller\nThriller,Crime\nDrama,Drama,Romance\n"
    assert _resolved(tmp_path / "m.csv", text) == {
        "suspense": ("Thriller",),
        "thriller": ("Crime",),
        "drama": ("Drama", "Romance"),
    }


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.csv", "", r"is empty: write lines of THEIR NAME,OUR GENRE"),
        ("m.csv", " \n\n", "is empty"),
        ("m.json", "", r'is empty: write \{"THEIR NAME": "OUR GENRE"'),
        ("m.json", "{}", "is empty"),
        ("m.json", '{"": "Drama"}', r'no name to map: write \{"THEIR NAME"'),
        ("m.toml", "# nothing\n", 'is empty: write lines of "THEIR NAME" = "OUR GENRE"'),
        ("m.csv", "name,genre\n", "is empty"),
        ("m.csv", "a,Drama\nb\n", r"line 2: 'b' is mapped to nothing: write b,OUR GENRE"),
        ("m.csv", "a,Drama\n,Comedy\n", "line 2: no name to map"),
        (
            "m.csv",
            "a,Drama\n\nb,c\nc,a\na,Comedy",
            r"line 5: 'a' is mapped to 'Comedy', and in line 1 to 'Drama'",
        ),
        ("m.csv", "SF,Drama\nsf ,Comedy\n", r"line 2: 'sf' is mapped to 'Comedy', and in line 1"),
        ("m.csv", "a,b\nb,a\n", r"line 1 and line 2: a cycle, 'a' -> 'b' -> 'a': remove one"),
        (
            "m.csv",
            "x,Drama\na,B\nb,c,Drama\nc,A\n",
            r"line 2 and line 3 and line 4: a cycle, 'a' -> 'b' -> 'c' -> 'a'",
        ),
        ("m.csv", "Drama,Comedy\nComedy,Drama\n", "a cycle, 'Drama' -> 'Comedy' -> 'Drama'"),
        ("m.json", '{"a": "b",\n "b": ["Drama", "a"]}', "line 1 and line 2: a cycle"),
        (
            "m.csv",
            "a,Darma\n",
            r"line 1: the model has no genre 'Darma', which 'a' is mapped to: did you mean 'Drama'",
        ),
        (
            "m.toml",
            'a = "Drama"\nb = ["Comedy", "Xyz"]\n',
            r"line 2: the model has no genre 'Xyz'.*the model has Comedy, Crime",
        ),
        ("m.csv", 'a,"Drama, Comedy"\n', "line 1.*write each genre in a cell of its own"),
        ("m.csv", "Drama,Drame\nComedy,Comedie\n", "the names to replace come first"),
        ("m.csv", "X,X\n", "line 1: the model has no genre 'X'"),
        ("m.csv", b"a,Drama\nb\xff,Drama\n", "line 2: not UTF-8: save it as UTF-8 text"),
        ("m.csv", "a,Drama\n".encode("utf-16"), "not UTF-8"),
        ("m.csv", "a\x00b,Drama\n", "line 1"),
        ("m.csv", f"{'x' * 300},Drama\n", r"line 1: 'x+' cannot be a genre"),
        ("m.json", "[1, 2]", r'is not an object: write \{"THEIR NAME": "OUR GENRE"'),
        ("m.json", '"Drama"', "is not an object"),
        ("m.json", '[{"from": "a", "to": "Drama"}]', "is not an object"),
        ("m.json", "{", "is not valid JSON: .*line 1"),
        ("m.json", "[" * 100_000, "is not valid JSON"),
        ("m.json", '{"a": 1}', r"line 1: 'a' is mapped to neither a genre nor a list of genres"),
        ("m.json", '{"a": "Drama",\n"b": {"c": "Drama"}}', r"line 2: 'b' is mapped to neither"),
        ("m.json", '{"a": ["Drama", null]}', "'a' is mapped to neither"),
        (
            "m.json",
            '{"a": "Drama",\n"a": "Comedy"}',
            r"line 2: 'a' is mapped to 'Comedy', and in line 1 to 'Drama'",
        ),
        (
            "m.csv",
            'x,Drama\na,"Science Fiction\nb,Drama\n',
            "line 2: a quote is not closed: close it",
        ),
        ("m.csv", '"a,Science Fiction\nb,Drama\n', "line 1: a quote is not closed"),
        ("m.csv", 'x,Drama\n\na,"Drama\n', "line 3: a quote is not closed"),
        ("m.csv", 'x,Drama\na,"Dra""ma\nb,Drama', "line 2: a quote is not closed"),
        ("m.csv", 'a,"Drama\nb,"Comedy"\n', "line 1: a quote is not closed"),
        ("m.csv", 'x;Drama\na;"Drama\nb;Drama\n', "line 2: a quote is not closed"),
        ("m.tsv", 'a\t"Drama\nb\tDrama\n', "line 1: a quote is not closed"),
        ("m.csv", '"a\n\n\n', "line 1: a quote is not closed"),
        ("m.tsv", "a\tDrama\nb,Drama\n", "line 2: 'b,Drama' is mapped to nothing: write a tab and"),
        ("m.csv", "a;Drama\nb\n", "line 2: 'b' is mapped to nothing: write b;OUR GENRE, or b; to"),
        ("m.csv", "their,our,notes\na,Drama,was Dramas\n", "line 2: .*no genre 'was Dramas'"),
        (
            "m.toml",
            '[a]\nb = "Drama"\n\n[c]\nd = "Drama"\n',
            "line 1: 'a' .*write all names in one",
        ),
        ("m.toml", 'a = "Drama"\n[c]\nd = "Drama"\n', "line 2: 'c' .*write all names in one table"),
        (
            "m.toml",
            '[a.b]\nd = "Drama"\n',
            "'b' is mapped to neither.*write all names in one table",
        ),
        ("m.toml", 'Sci.Fi = "Drama"\n', "line 1: 'Sci' .*a name that has a dot in quotes"),
        ("m.toml", '[[map]]\nfrom = "a"\nto = "Drama"\n', "line 1: 'map' is mapped to neither"),
        ("m.toml", 'a = "Drama"\na = "Comedy"\n', "is not valid TOML: .*line 2"),
        ("m.json", '["a", "Drama"]', "is not an object"),
        ("m.json", '{"m": {"n": {"a": "Drama"}}}', "line 1: 'n' is mapped to neither"),
        ("m.toml", "a = \n", r"is not valid TOML: .*line 1"),
        ("m.toml", 'a = "Drama"\nFilm Noir = "Crime"\n', "is not valid TOML: .*line 2"),
        ("m.toml", "a = 1\n", r"line 1: 'a' is mapped to neither"),
        ("m.toml", "\na = true\n", r"line 2: 'a' is mapped to neither"),
    ],
)
def test_what_is_wrong_with_a_map_is_reported(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    with pytest.raises(CatalogError, match=message) as refused:
        _resolved(tmp_path / name, content)
    assert f"{name} of `genre_map`" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_map_that_is_missing_or_a_folder_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no such file: .*`genre_map` names one"):
        read_genre_map(tmp_path / "none.csv")
    with pytest.raises(UsageError, match="is a folder"):
        read_genre_map(tmp_path)


def test_a_line_that_repeats_another_is_read_once(tmp_path: Path) -> None:
    text = "Rom,Romance,Comedy\nROM,comedy,romance\n"
    assert _resolved(tmp_path / "m.csv", text) == {"rom": ("Romance", "Comedy")}


def test_a_long_chain_and_a_wide_map_are_read(tmp_path: Path) -> None:
    chain = "".join(f"n{i},n{i + 1},m{i + 1}\nm{i},n{i + 1},m{i + 1}\n" for i in range(3000))
    resolved = _resolved(tmp_path / "m.csv", chain + "n3000,Drama\nm3000,Comedy\n")
    assert resolved["n0"] == ("Drama", "Comedy")  # type: ignore[index]


def _has_cycle(entries: dict[str, list[str]]) -> bool:
    graph = {name: {to for to in genres if to != name} for name, genres in entries.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        return True
    return False


@given(
    st.dictionaries(
        st.sampled_from("abcdefgh"), st.lists(st.sampled_from("abcdefghXY"), max_size=3)
    )
)
def test_a_map_either_has_a_cycle_or_ends_in_names_that_it_does_not_replace(
    tmp_path_factory: pytest.TempPathFactory, entries: dict[str, list[str]]
) -> None:
    path = tmp_path_factory.mktemp("map") / "m.csv"
    path.write_text("".join(f"{name},{','.join(to)}\n" for name, to in entries.items()))
    if not entries:
        return
    try:
        resolved = read_genre_map(path).resolve()
    except CatalogError:
        assert _has_cycle(entries)
        return
    assert not _has_cycle(entries)
    for name, genres in resolved.items():
        for genre in genres:
            # A name that stands for itself among others stays.
            assert genre not in entries or genre in entries[genre] or genre == name
