from __future__ import annotations

import pytest

from genre_batch.catalog.genres import GenreReader
from genre_batch.review.cells import CellError, ColumnStyle, Spelling
from genre_batch.review.items import take_apart

CELLS = {
    "commas": ("Action, Drama", "Action, Drama, War", "Action", "War"),
    "bars": ("Action|Drama", "Action|Drama|War", "Action", "War"),
    "bars and spaces": ("Action | Drama ", "Action | Drama | War ", "Action ", "War"),
    "semicolons": ("Action;Drama", "Action;Drama;War", "Action", "War"),
    "slashes": ("Action / Drama", "Action / Drama / War", "Action", "War"),
    "tight commas": ("Action,Drama", "Action,Drama,War", "Action", "War"),
    "quoted names": ('"Mad, Max", Drama', '"Mad, Max", Drama, War', '"Mad, Max"', "War"),
    "JSON": ('["Action", "Drama"]', '["Action", "Drama", "War"]', '["Action"]', '["War"]'),
    "tight JSON": ('["Action","Drama"]', '["Action","Drama","War"]', '["Action"]', '["War"]'),
    "spaced JSON": ('[ "Action" , "Drama" ]', '[ "Action" , "Drama" , "War" ]', None, None),
    "Python": ("['Action', 'Drama']", "['Action', 'Drama', 'War']", "['Action']", "['War']"),
    "Python 2": ("[u'Action', u'Drama']", "[u'Action', u'Drama', u'War']", "[u'Action']", None),
    "a tuple": ("('Action', 'Drama')", "('Action', 'Drama', 'War')", None, None),
    "a set": ("{'Action', 'Drama'}", "{'Action', 'Drama', 'War'}", "{'Action'}", None),
    "bare strings": ("'Action', 'Drama'", "'Action', 'Drama', 'War'", None, None),
    "numpy": ("['Action' 'Drama']", "['Action' 'Drama' 'War']", "['Action']", "['War']"),
    "an array": (
        "array(['Action', 'Drama'], dtype=object)",
        "array(['Action', 'Drama', 'War'], dtype=object)",
        "array(['Action'], dtype=object)",
        "array(['War'], dtype=object)",
    ),
    "R": ('c("Action", "Drama")', 'c("Action", "Drama", "War")', 'c("Action")', None),
    "objects": (
        "[{'id': 28, 'name': 'Action'}, {'id': 18, 'name': 'Drama'}]",
        "[{'id': 28, 'name': 'Action'}, {'id': 18, 'name': 'Drama'}, {'name': 'War'}]",
        "[{'id': 28, 'name': 'Action'}]",
        "[{'name': 'War'}]",
    ),
    "JSON objects": (
        '[{"id": 28, "name": "Action"},{"id": 18, "name": "Drama"}]',
        '[{"id": 28, "name": "Action"},{"id": 18, "name": "Drama"},{"name": "War"}]',
        '[{"id": 28, "name": "Action"}]',
        '[{"name": "War"}]',
    ),
    "tags": ("<Action><Drama>", "<Action><Drama><War>", "<Action>", "<War>"),
    "brackets": ("[Action][Drama]", "[Action][Drama][War]", "[Action]", "[War]"),
    "a list without quotes": ("[Action, Drama]", "[Action, Drama, War]", "[Action]", "[War]"),
    "PostgreSQL": ("{Action,Drama}", "{Action,Drama,War}", "{Action}", "{War}"),
    "elements": (
        "<genre>Action</genre><genre>Drama</genre>",
        "<genre>Action</genre><genre>Drama</genre><genre>War</genre>",
        "<genre>Action</genre>",
        "<genre>War</genre>",
    ),
}


def style_of(*cells: str) -> ColumnStyle:
    texts = dict.fromkeys(cells, 5)
    reader = GenreReader.of(texts)
    return ColumnStyle.of(texts, reader, Spelling(), gap=", ", structs={}, lists=False)


@pytest.mark.parametrize(("cell", "longer", "shorter", "new"), CELLS.values(), ids=CELLS.keys())
def test_a_cell_keeps_its_style(
    cell: str, longer: str, shorter: str | None, new: str | None
) -> None:
    style = style_of(cell)
    items = take_apart(cell, style.reader)
    assert str(items) == cell
    assert style.text(cell, (), ["War"]) == longer
    removed = style.text(cell, {"drama"}, ())
    assert shorter is None or removed == shorter
    assert style.reader.read(removed) == [name for name in items.names if name != "Drama"]  # type: ignore[union-attr]
    if new is not None:
        assert style.text(None, (), ["War"]) == new


def test_the_last_genre_leaves_an_empty_list_or_nothing() -> None:
    assert style_of("Drama", "Action, War").text("Drama", {"drama"}, ()) == ""
    assert style_of("['Drama']").text("['Drama']", {"drama"}, ()) == "[]"
    assert style_of("('Drama',)").text("('Drama',)", {"drama"}, ()) == "()"
    assert style_of("<a><b>", "<a>").text("<a>", {"a"}, ()) == ""


def test_a_genre_that_a_cell_has_twice_is_removed_twice() -> None:
    assert style_of("Drama, War, Drama").text("Drama, War, Drama", {"drama"}, ()) == "War"


def test_other_cells_show_how_a_cell_with_one_genre_goes_on() -> None:
    style = style_of("Action|Drama", "War")
    assert style.text("War", (), ["Drama"]) == "War|Drama"
    style = style_of("['Action' 'Drama']", "['War']", "[]")
    assert style.text("['War']", (), ["Drama"]) == "['War' 'Drama']"
    assert style.text("[]", (), ["Drama"]) == "['Drama']"


def test_an_object_is_written_as_other_cells_have_it() -> None:
    style = style_of("[{'id': 28, 'name': 'Action'}]", "[{'id': 18, 'name': 'Drama'}]")
    assert style.text("[{'id': 28, 'name': 'Action'}]", (), ["Drama"]) == (
        "[{'id': 28, 'name': 'Action'}, {'id': 18, 'name': 'Drama'}]"
    )


@pytest.mark.parametrize("cell", ['{"Action": 1, "Drama": 0}', "{'28': 'Action', '18': 'Drama'}"])
def test_a_style_that_is_not_understood_is_an_error(cell: str) -> None:
    with pytest.raises(CellError):
        style_of(cell).text(cell, (), ["War"])


@pytest.mark.parametrize("name", ["Rock 'n' Roll", 'a "b"', "back\\slash", "Sci-Fi, Fantasy", "É"])
@pytest.mark.parametrize("cell", [cells[0] for cells in CELLS.values()], ids=CELLS.keys())
def test_a_name_with_marks_is_read_back_or_refused(cell: str, name: str) -> None:
    style = style_of(cell)
    try:
        written = style.text(cell, (), [name])
    except CellError:
        return
    before = style.reader.read(cell)
    assert isinstance(before, list)
    assert style.reader.read(written) == [*before, name]
