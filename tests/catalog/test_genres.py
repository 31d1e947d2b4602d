"""Genre cells of every style give the same genres."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from genre_batch.catalog.genre_values import enclosed, read_text
from genre_batch.catalog.genres import CellState, is_placeholder, read_genres
from support.genres import parse_cell, parse_column


@pytest.mark.parametrize(
    "cell",
    [
        "Drama, Science Fiction",
        "Drama|Science Fiction",
        "Drama; Science Fiction",
        "Drama / Science Fiction",
        '["Drama", "Science Fiction"]',
        "['Drama', 'Science Fiction']",
        "('Drama', 'Science Fiction')",
        '[{"id": 18, "name": "Drama"}, {"id": 878, "name": "Science Fiction"}]',
        "[{'id': 18, 'name': 'Drama'}, {'id': 878, 'name': 'Science Fiction'}]",
        "  Drama ,Science Fiction,, Drama ",
    ],
)
def test_every_style_gives_the_same_genres(cell: str) -> None:
    assert parse_cell(cell) == ["Drama", "Science Fiction"]


@pytest.mark.parametrize("cell", ["", "  ", "[]", "{}", "[null]", "[{}]"])
def test_a_cell_without_a_genre_gives_none(cell: str) -> None:
    assert parse_cell(cell) == []


def test_a_single_object_is_one_genre() -> None:
    assert parse_cell('{"id": 18, "name": "Drama"}') == ["Drama"]


def test_a_given_separator_is_the_only_one() -> None:
    assert parse_cell("Drama, or so#War", "#") == ["Drama, or so", "War"]


def test_a_bracket_without_a_list_is_part_of_a_name() -> None:
    assert parse_cell("[Drama, War") == ["[Drama", "War"]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["A, B", None, "", "A, B"]),
        pa.array(["A, B", None, "", "A, B"]).dictionary_encode(),
        pa.chunked_array([["A|B", None], ["", "A|B"]]),
        pa.array([["A", "B"], None, [], ["A", "B"]]),
        pa.array([[{"name": "A"}, {"name": "B"}], None, [], [{"name": "A"}, {"name": "B"}]]),
    ],
)
def test_a_column_of_any_type_gives_a_list_per_row(column: pa.Array) -> None:
    assert parse_column(column) == [["A", "B"], [], [], ["A", "B"]]


@given(st.text(max_size=40))
def test_no_cell_is_an_error(cell: str) -> None:
    for name in parse_cell(cell):
        assert name == name.strip() != ""


@given(
    st.lists(
        st.text(st.characters(categories=["L"]), min_size=1, max_size=8), unique=True, max_size=5
    ),
    st.sampled_from([", ", "|", ";", " / "]),
)
@example(["NULL", "Drama"], ", ")
def test_joined_genres_are_split_again(genres: list[str], separator: str) -> None:
    # Alone in its cell, such a word states that nothing is known.
    assume(len(genres) != 1 or genres[0].lower() not in ("nan", "nat", "null"))
    assert parse_cell(separator.join(genres)) == genres


@pytest.mark.parametrize(
    ("cell", "genres"),
    [
        ('{"/m/07s9rl0": "Drama", "/m/01z4y": "Comedy"}', ["Drama", "Comedy"]),
        ("{'a': 'Drama'}", ["Drama"]),
        ('{"18": {"name": "Drama"}}', ["Drama"]),
        ("['Drama' 'Comedy']", ["Drama", "Comedy"]),
        ("['Drama'\n 'TV Movie' \"Kid's\"]", ["Drama", "TV Movie", "Kid's"]),
        ("{'Drama', 'Comedy'}", ["Drama", "Comedy"]),
        ("(no genres listed)", []),
        ('["(no genres listed)"]', []),
        ("{}", []),
        ("[18, 35]", []),
    ],
)
def test_cells_of_well_known_corpora_are_read(cell: str, genres: list[str]) -> None:
    assert parse_cell(cell) == genres
    assert parse_column(pa.array([cell])) == [genres]


def test_names_by_id_are_read_from_structs_and_maps_too() -> None:
    structs = pa.array([{"a": "Drama", "b": None}, None, {"a": None, "b": "Comedy"}])
    assert parse_column(structs) == [["Drama"], [], ["Comedy"]]
    maps = pa.array([[("a", "Drama"), ("b", "Comedy")], None], pa.map_(pa.string(), pa.string()))
    assert parse_column(maps) == [["Drama", "Comedy"], []]


def test_cells_with_content_but_without_genre_are_counted() -> None:
    texts = ["['Drama']", None, "", "[]", "(no genres listed)", "[{'id': 1}]", "[1.5]"]
    cells = read_genres(pa.array(texts))
    assert (cells.unreadable, cells.example) == (2, (5, "[{'id': 1}]"))
    assert cells.states.tolist() == [0, 2, 1, 1, 2, 3, 3]
    assert read_genres(pa.array(["Drama"])).unreadable == 0


LISTS = [["A", "B"], ["B"], [], ["A"]]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(LISTS, pa.list_(pa.string())),
        pa.array(LISTS, pa.large_list(pa.large_string())),
        pa.array(LISTS, pa.list_view(pa.string())),
        pa.array(LISTS, pa.large_list_view(pa.string_view())),
        pa.array(LISTS, pa.list_(pa.dictionary(pa.int8(), pa.string()))),
        pa.array([[b"A", b"B"], [b"B"], [], [b"A"]]),
        pa.DictionaryArray.from_arrays([0, 1, 2, 3], pa.array(LISTS)),
        pa.RunEndEncodedArray.from_arrays([1, 2, 3, 4], pa.array(LISTS)),
        pa.array([["A", "B"], ["B", None], [None, None], ["A", None]], pa.list_(pa.string(), 2)),
        pa.array([[{"name": name} for name in names] for names in LISTS]),
        pa.array([[{"id": 1, "label": name} for name in names] for names in LISTS]),
        pa.array([{"A": 1, "B": 1}, {"A": 0, "B": 1}, {"A": 0, "B": 0}, {"A": 1, "B": 0}]),
        pa.array([{"A": True, "B": True}, {"B": True}, {"A": False}, {"A": True}]),
        pa.array(
            [[(name, True) for name in names] for names in LISTS], pa.map_(pa.string(), pa.bool_())
        ),
        pa.array([[("x" + n, n) for n in names] for names in LISTS], pa.map_(pa.string(), "str")),
        pa.array(["A|B", "B", "", "A"], pa.string_view()),
        pa.array([b"A|B", b"B", b"", b"A"]),
        pa.RunEndEncodedArray.from_arrays([1, 2, 3, 4], pa.array(["A|B", "B", "", "A"])),
    ],
    ids=lambda column: str(column.type)[:40],
)
def test_lists_of_every_layout_are_read(column: pa.Array) -> None:
    assert parse_column(column) == LISTS
    assert parse_column(pa.chunked_array([column])) == LISTS


ACTION, WEIRD = "Action, Adventure", "Sci-Fi, Weird"
TABLES: list[tuple[list[str], list[list[str]]]] = [
    # One mark is part of a name: the other one separates.
    ([f"{ACTION}|Drama", ACTION, WEIRD], [[ACTION, "Drama"], [ACTION], [WEIRD]]),
    ([f"{ACTION}; War", ACTION, f"War; {WEIRD}"], [[ACTION, "War"], [ACTION], ["War", WEIRD]]),
    ([f"{ACTION} / Drama", ACTION, "Drama"], [[ACTION, "Drama"], [ACTION], ["Drama"]]),
    (["R&B; Soul", "Soul", "Rock, Pop"], [["R&B", "Soul"], ["Soul"], ["Rock, Pop"]]),
    (["A;B|C", "A;B", "C", "D"], [["A;B", "C"], ["A;B"], ["C"], ["D"]]),
    # Both separate, each in cells of its own.
    (["A, B", "A|B", "A; C", "C", "B"], [["A", "B"]] * 2 + [["A", "C"], ["C"], ["B"]]),
    (["A, B", "A/B", "A", "B"], [["A", "B"]] * 2 + [["A"], ["B"]]),
    (["A、B", "A，B", "A", "B"], [["A", "B"]] * 2 + [["A"], ["B"]]),
    # A mark that names have too.
    (["Sci-Fi/Fantasy", "Drama"], [["Sci-Fi/Fantasy"], ["Drama"]]),
    (["Sci-Fi/Fantasy, Drama", "Drama"], [["Sci-Fi/Fantasy", "Drama"], ["Drama"]]),
    (["drama/comedy", "comedy", "drama"], [["drama", "comedy"], ["comedy"], ["drama"]]),
    (["x/y", "y/z", "x/z"], [["x", "y"], ["y", "z"], ["x", "z"]]),
    (["C++, Java", "C++", "Java"], [["C++", "Java"], ["C++"], ["Java"]]),
    (["LGBTQ+", "Drama"], [["LGBTQ+"], ["Drama"]]),
    (["Drama+War", "War", "Drama"], [["Drama", "War"], ["War"], ["Drama"]]),
    (["サイエンス・フィクション", "ドラマ"], [["サイエンス・フィクション"], ["ドラマ"]]),
    (["ドラマ・恋愛", "恋愛", "ドラマ"], [["ドラマ", "恋愛"], ["恋愛"], ["ドラマ"]]),
    (["col·lecció", "drama"], [["col·lecció"], ["drama"]]),
    (["剧情·喜剧", "剧情", "喜剧·剧情"], [["剧情", "喜剧"], ["剧情"], ["喜剧", "剧情"]]),
    # Marks of other scripts.
    (["剧情、喜剧", "动作"], [["剧情", "喜剧"], ["动作"]]),
    (["剧情，喜剧", "动作"], [["剧情", "喜剧"], ["动作"]]),
    (["剧情；喜剧", "动作"], [["剧情", "喜剧"], ["动作"]]),
    (["剧情｜喜剧", "动作"], [["剧情", "喜剧"], ["动作"]]),
    (["剧情 / 喜剧", "动作"], [["剧情", "喜剧"], ["动作"]]),
    (["دراما، كوميديا", "دراما"], [["دراما", "كوميديا"], ["دراما"]]),
    (["درام؛ کمدی", "درام"], [["درام", "کمدی"], ["درام"]]),
    (["Drama • War", "War"], [["Drama", "War"], ["War"]]),
    (["Drama · War", "War"], [["Drama", "War"], ["War"]]),
    (["Drama\nWar", "War"], [["Drama", "War"], ["War"]]),
    (["Drama\tWar", "War"], [["Drama", "War"], ["War"]]),
    (["- Drama\n- War", "- War"], [["Drama", "War"], ["War"]]),
    (["• Drama\r\n• War", "• War"], [["Drama", "War"], ["War"]]),
    (["- Drama", "- War"], [["- Drama"], ["- War"]]),
    (["Drama<br>War", "War"], [["Drama", "War"], ["War"]]),
    (["Drama <BR /> War", "War"], [["Drama", "War"], ["War"]]),
    (["Drama\x02War", "War"], [["Drama", "War"], ["War"]]),
    (["Drama\x1fWar", "War"], [["Drama", "War"], ["War"]]),
    (["Fiction > War", "Fiction"], [["Fiction > War"], ["Fiction"]]),
    # Names of several words are not split; codes are.
    (["Science Fiction", "Drama", "TV Movie"], [["Science Fiction"], ["Drama"], ["TV Movie"]]),
    (["cs.LG cs.AI", "cs.LG", "cs.AI"], [["cs.LG", "cs.AI"], ["cs.LG"], ["cs.AI"]]),
    (["#war #love", "#war", "#love"], [["#war", "#love"], ["#war"], ["#love"]]),
    (["red wine", "red", "wine"], [["red wine"], ["red"], ["wine"]]),
    # Tags, brackets, braces.
    (["<python><pandas>", "<python>"], [["python", "pandas"], ["python"]]),
    (["<c++> <c#>", "<c#>"], [["c++", "c#"], ["c#"]]),
    (["<3", "drama", "war"], [["<3"], ["drama"], ["war"]]),
    (["[drama][war]", "[war]"], [["drama", "war"], ["war"]]),
    (["[Sci-Fi, Weird][War]", "[War]"], [[WEIRD, "War"], ["War"]]),
    (["[drama, war]", "[war]", "[]"], [["drama", "war"], ["war"], []]),
    (["{drama,war}", "{war}", "{}"], [["drama", "war"], ["war"], []]),
    (['{Drama,"Sci-Fi, Weird"}', "{Drama}"], [["Drama", WEIRD], ["Drama"]]),
    ([r'{"say \"hi\"",NULL}', "{war}"], [['say "hi"'], ["war"]]),
    (["[[War film]], [[Drama]]", "[[Drama]]"], [["War film", "Drama"], ["Drama"]]),
    (["[[War film|War]][[Drama]]", "[[Drama]]", "[]"], [["War", "Drama"], ["Drama"], []]),
    # Lists as programs print them.
    (["WrappedArray(Drama, War)", "WrappedArray(War)"], [["Drama", "War"], ["War"]]),
    (["List(Drama, War)", "List()", "List(War)"], [["Drama", "War"], [], ["War"]]),
    (["ArraySeq(War)", "List of lists (2019)"], [["War"], ["List of lists (2019)"]]),
    (["<ul><li>Drama</li><li>War</li></ul>", "<ul><li>War</li></ul>"], [["Drama", "War"], ["War"]]),
    (["<a><b>War</b></a>", "<a><b>Drama</b> <b>War</b></a>"], [["War"], ["Drama", "War"]]),
    (["['a' 'b']", "['a']"], [["a", "b"], ["a"]]),
    (["array(['a', 'b'], dtype=object)", "array([], dtype=object)"], [["a", "b"], []]),
    (['c("a", "b")', 'c("a")'], [["a", "b"], ["a"]]),
    (["{'a', 'b'}", "set()"], [["a", "b"], []]),
    (["frozenset({'a'})", "frozenset({'b'})"], [["a"], ["b"]]),
    (["('a',)", "('a', 'b')"], [["a"], ["a", "b"]]),
    (["'a', 'b'", "'a'"], [["a", "b"], ["a"]]),
    (["['a', nan]", "[nan]"], [["a"], []]),
    (["['a', None]", "[None]"], [["a"], []]),
    (['"[\\"a\\", \\"b\\"]"', "[]"], [["a", "b"], []]),
    (['{"18": "Drama", "35": "War"}', "{}"], [["Drama", "War"], []]),
    (['{"Drama": 1, "War": 0}', '{"Drama": 0, "War": 0}'], [["Drama"], []]),
    (['{"Drama": true, "War": false}', "{}"], [["Drama"], []]),
    (['[{"term": "cs.LG", "scheme": "x"}]', "[]"], [["cs.LG"], []]),
    (["<genre>Drama</genre><genre>War</genre>", "<genre>War</genre>"], [["Drama", "War"], ["War"]]),
    # Calls, as programs print them; names with brackets are names.
    (["[np.str_('Noir'), np.str_('War')]", "[np.str_('War')]"], [["Noir", "War"], ["War"]]),
    (["{np.str_('Noir')}", "set()"], [["Noir"], []]),
    (["array([np.str_('Noir')], dtype='<U4')", "array([], dtype='<U4')"], [["Noir"], []]),
    (["Counter({'Noir': 1, 'War': 1})", "Counter()"], [["Noir", "War"], []]),
    (["dict_keys(['Noir', 'War'])", "dict_keys([])"], [["Noir", "War"], []]),
    (["Index(['Noir'], dtype='object')", "frozenset({'War'})"], [["Noir"], ["War"]]),
    (["[Tag(id=0, name='Noir')]", "[Tag(18, 'War'), Tag('TV')]"], [["Noir"], ["War", "TV"]]),
    (["Row(name='Noir', kind=Kind.A)", "[{'id': np.int64(1), 'name': 'B'}]"], [["Noir"], ["B"]]),
    (["{'Noir': np.True_, 'War': np.False_}", "{}"], [["Noir"], []]),
    (["List('Noir', 'War')", "List('War')"], [["Noir", "War"], ["War"]]),
    (["Drama (TV), Film (Noir)", "Musical(s)"], [["Drama (TV)", "Film (Noir)"], ["Musical(s)"]]),
    (["[Drama (TV), Musical(s)]", "[Film(1990)]"], [["Drama (TV)", "Musical(s)"], ["Film(1990)"]]),
    (["Film()", "Set(2)"], [["Film()"], ["Set(2)"]]),
    (["dict_keys(['Noir'])", "dict_keys(['War'])", "dict_keys(['Wa"], [["Noir"], ["War"], []]),
    # Flags, counts and scores beside names, and names with their ids.
    (['[{"tag": "Noir", "value": true}, {"tag": "War", "value": false}]', "[]"], [["Noir"], []]),
    (['[{"tag": "Noir", "value": 18}, {"tag": "War", "value": 0}]', "[]"], [["Noir", "War"], []]),
    (['[{"tag": "A", "value": 0}, {"tag": "B", "value": 1}, {"tag": "C", "value": 0}]'], [["B"]]),
    (['[{"name": "Noir", "isSelected": "no"}]', '[{"name": "War", "checked": 1}]'], [[], ["War"]]),
    (['[{"name": "Noir", "is_primary": false, "rank": 0, "votes": 0.5}]', "[]"], [["Noir"], []]),
    (['[{"name": "Noir", "count": 3}, {"name": "War", "count": 0}]', "[]"], [["Noir"], []]),
    (['{"Noir": "/m/07s9rl0", "War": null}', "{'TV': 'tt0111161'}"], [["Noir", "War"], ["TV"]]),
    (['{"main": "3D", "other": "18+"}', '{"Q130232": "Noir"}'], [["3D", "18+"], ["Noir"]]),
    (['[[18, "Noir"], [35, "War"]]', "[]"], [["Noir", "War"], []]),
    # HTML entities.
    (["Sci-Fi &amp; War; R&B", "&nbsp;", "R&B"], [["Sci-Fi & War", "R&B"], [], ["R&B"]]),
    (["Com&eacute;die|D&#39;art|A&B", "D'art"], [["Comédie", "D'art", "A&B"], ["D'art"]]),
    (['["R &amp; B"]', "[&quot;War&quot;]"], [["R & B"], ["War"]]),
    # Quoted names.
    (['"Sci-Fi, Weird", Drama', "Drama"], [[WEIRD, "Drama"], ["Drama"]]),
    (['"say ""hi"", you"|b', "b"], [['say "hi", you', "b"], ["b"]]),
    (['a "b", c', "c"], [['a "b"', "c"], ["c"]]),
    # Numbers.
    (["18, 35", "18"], [["18", "35"], ["18"]]),
    (["[18, 35]", "[18]"], [[], []]),
    # Nothing is known.
    (["nan", "Drama", "N/A", "NULL", "<NA>"], [[], ["Drama"], [], [], []]),
    (["None", "Drama"], [["None"], ["Drama"]]),
    # In a column of lists, a text that starts like one is not a name.
    (["['a']", "['b']", "['a', 'b"], [["a"], ["b"], []]),
    (["['a' 'b' ... 'z']", "['a']"], [[], ["a"]]),
    (["Drama,", "War"], [["Drama"], ["War"]]),
]  # fmt: skip


@pytest.mark.parametrize(("cells", "genres"), TABLES, ids=[repr(cells)[:50] for cells, _ in TABLES])
def test_the_whole_column_decides_how_it_is_read(cells: list[str], genres: list[list[str]]) -> None:
    assert parse_column(pa.array(cells)) == genres
    assert parse_column(list(cells)) == genres


def test_states_tell_empty_from_unknown_and_unreadable() -> None:
    cells = read_genres(["A", "", None, [], [None], float("nan"), 1.5, {}, "[]", "nan"])
    assert [CellState(state).name for state in cells.states] == [
        *("LABELED", "EMPTY", "UNKNOWN", "EMPTY", "UNKNOWN", "UNKNOWN", "UNREADABLE"),
        *("EMPTY", "EMPTY", "UNKNOWN"),
    ]


def test_genres_that_stand_for_none_are_told_from_others() -> None:
    names = ("unknown", "None", "-", "???", "Drama", "剧情")
    assert [is_placeholder(name) for name in names] == [True] * 4 + [False] * 2


@pytest.mark.parametrize("name", ["😀", "👩\u200d👧", "🏳️\u200d🌈", "♥", "剧情", "حرب"])
def test_emoji_and_letters_of_any_script_are_names(name: str) -> None:
    assert not is_placeholder(name)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([18, None, 35]),
        pa.array([18.0, None, 35.0]),
        pa.array([[18], None, [35]]),
        pa.array(["[18]", None, "[35]"]),
    ],
)
def test_numbers_are_genres_only_where_they_are_named(column: pa.Array) -> None:
    assert read_genres(column).unreadable == 2
    assert read_genres(column, numbers=True).genres == [["18"], [], ["35"]]


def test_fractions_and_flags_are_not_genres() -> None:
    for column in (pa.array([0.25, 0.5]), pa.array([True, False]), pa.array([[0.5]] * 2)):
        assert read_genres(column, numbers=True).unreadable == 2


@pytest.mark.parametrize(
    "cell",
    [
        {"Drama": 1.0, "War": 0.0, "Crime": 1.0},
        {"Drama": 1.0, "War": float("nan"), "Crime": 1},
        {"Drama": "1", "War": "0", "Crime": "1"},
        {"Drama": "Yes", "War": "no", "Crime": "yes"},
        [("Drama", 1.0), ("War", 0.0), ("Crime", 1.0)],
        '{"Drama": 1.0, "War": 0.0, "Crime": 1.0}',
        '{"Drama": "true", "War": "false", "Crime": "true"}',
        [["Drama"], ["Crime"]],
        [["Drama", "Crime"], None, []],
        '[["Drama"], ["Crime", "Drama"]]',
        {"genres": ["Drama", "Crime"]},
        '{"genres": [{"id": 18, "name": "Drama"}, {"id": 80, "name": "Crime"}]}',
        [{"genre": {"id": 18, "name": "Drama"}}, {"genre": {"id": 80, "name": "Crime"}}],
    ],
)
def test_flags_of_any_type_and_lists_in_lists_are_read(cell: object) -> None:
    assert read_genres([cell, cell]).genres == [["Drama", "Crime"]] * 2


@pytest.mark.parametrize(
    "cell",
    [
        *("[" * 5000, "(" * 5000 + "'a'" + ")" * 5000, "['a'\0]", "[f('a'), " + "-" * 9000 + "1]"),
        *("[f" + ".x" * 9000 + "('a')]", "f(" * 5000 + "'a'" + ")" * 5000, "{[1]: 2}", "[f(*a)]"),
    ],
    ids=lambda cell: cell[:10],
)
def test_a_cell_that_no_parser_takes_is_no_error(cell: str) -> None:
    assert read_genres([cell]).genres[0]
    assert read_genres([cell, "['a']", "['b']"]).genres[1:] == [["a"], ["b"]]


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ({"Noir": 0.9, "War": 1.0}, "numbers beside names"),
        ("{'Noir': 5472}", "numbers beside names"),
        ('{"Noir": "18"}', "numbers beside names"),
        ('[["Noir", 0.9]]', "numbers beside names"),
        ("[('Noir', 3)]", "numbers beside names"),
        ('[{"Noir": 0.9}]', "numbers beside names"),
        ([{"label": "Noir", "score": 1}], "numbers beside names"),
        ('[{"name": "Noir", "value": 0.5}]', "numbers beside names"),
        ("[Tag(name='Noir', weight=np.float64(0.5))]", "numbers beside names"),
        ([{"id": 1}], "objects without a known key"),
        ('{"id": 18}', "objects without a known key"),
        ("[1.5]", ""),
    ],
)
def test_why_a_cell_cannot_be_read_is_known(cell: object, reason: str) -> None:
    cells = read_genres([cell])
    assert (cells.unreadable, cells.reason) == (1, reason)


def test_a_column_of_counts_has_no_flags() -> None:
    counts: list[object] = [{"A": 1}, {"A": 2, "B": 1}, {"B": 5}, {"C": 1}]
    for column in (counts, [str(cell) for cell in counts]):
        assert read_genres(column).unreadable == 4
        flags = read_genres([column[0]] * 20 + [column[1]])
        assert (flags.unreadable, flags.genres[0]) == (1, ["A"])


@pytest.mark.parametrize(
    "cell",
    [
        [["Drama", 0.9], ["War", 0.1]],
        {"Drama": 0.9, "War": 0.1},
        {"Drama": 1.0, "War": 0.5},
        [[18, 35]],
        [[["Drama"]]],
    ],
)
def test_scores_and_deeper_lists_are_not_genres(cell: object) -> None:
    assert read_genres([cell]).unreadable == 1


@pytest.mark.parametrize(
    "cell", [{"Drama": 0.0, "War": 0.0}, '{"Drama": "no"}', [[]], [[], []], [[""]]]
)
def test_flags_that_are_all_zero_and_empty_lists_are_empty(cell: object) -> None:
    assert read_genres([cell]).states.tolist() == [CellState.EMPTY]


UNFINISHED = [
    "{" + ", ".join(["name"] * 20_000),
    "{" + " " * 80_000 + "!{",
    '{"' + "a" * 80_000 + "!{",
    "[" + " ... " * 16_000,
    "c(" + ",dtype=" * 12_000 + ")",
    "Index(" + ", dtype=" * 12_000 + "!",
    "'" + "\\'" * 20_000,
    "<a></a>" * 8_000 + "<",
    "[[a]]" * 8_000 + "[",
    "[a]" * 16_000 + "[",
]
"""Cells that begin as lists and are none: in other than linear time, each would take minutes."""


@pytest.mark.parametrize("cell", UNFINISHED, ids=[cell[:12] for cell in UNFINISHED])
def test_a_long_cell_that_is_no_list_after_all_stays_a_text(cell: str) -> None:
    assert read_text(cell) == cell.strip()
    assert enclosed(cell) is None


@pytest.mark.parametrize("unit", ["& ... ", "a&b", "&''", "Drama and War, ", "a & ", "&"])
def test_many_marks_in_a_cell_do_not_separate_names_of_others(unit: str) -> None:
    cell = unit * (8_000 // len(unit)) + "x"
    read = read_genres([cell, "Drama & War", "Drama", "War"])
    assert read.genres[1:] == [["Drama & War"], ["Drama"], ["War"]]


@pytest.mark.parametrize("space", ["\r", "\t", "\n ", " ", "\x1d", "•  ", "/ ", ","])
def test_much_space_beside_a_quoted_name_is_no_part_of_others(space: str) -> None:
    cell = f'"a", {space * (2_000 // len(space))}b'
    assert read_genres([cell, '"a", b', "b"]).genres[2] == ["b"]


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ('{a, "b, c" ,d}', ["a", "b, c", "d"]),
        ("{ a , b }", ["a", "b"]),
        ("{a, ,b}", ["a", "b"]),
        ("{ }", []),
        (r'{"a \"b\"",NULL}', ['a "b"']),
    ],
)
def test_an_array_of_postgresql_has_names_with_and_without_quotes(
    cell: str, names: list[str]
) -> None:
    assert enclosed(cell) == ('{a,"b"}', names)


@pytest.mark.parametrize("cell", ["{a", '{"a}', '{a "b"}', "{a,}", "{,a}", "{}", '{"a" b}'])
def test_braces_of_another_kind_are_no_array(cell: str) -> None:
    assert enclosed(cell) is None
