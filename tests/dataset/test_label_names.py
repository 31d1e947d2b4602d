"""Files that name numbers and codes of genres, in every usual form."""

from __future__ import annotations

from pathlib import Path

import pytest

from genre_batch.dataset.label_names import name_labels, read_label_names
from genre_batch.errors import CatalogError, UsageError

BY_ID = {"18": "Drama", "35": "Comedy, Satire"}


@pytest.mark.parametrize(
    "text",
    [
        "18,Drama\n35,\"Comedy, Satire\"\n",
        "id,name\n18,Drama\n35,\"Comedy, Satire\"\n",
        "name,id\nDrama,18\n\"Comedy, Satire\",35\n",
        "18\tDrama\n35\tComedy, Satire\n",
        '{"18": "Drama", "35": "Comedy, Satire"}',
        '{"Drama": 18, "Comedy, Satire": 35}',
        '[{"id": 18, "name": "Drama"}, {"id": 35, "name": "Comedy, Satire"}]',
        '{"genres": [{"id": 18, "name": "Drama"}, {"id": 35, "name": "Comedy, Satire"}]}',
    ],
)  # fmt: skip
def test_names_by_id(tmp_path: Path, text: str) -> None:
    (tmp_path / "names").write_text(text, encoding="utf-8")
    assert read_label_names(tmp_path / "names") == BY_ID


@pytest.mark.parametrize("text", ["Drama\nWar\n", "Drama\r\n\r\nWar", '["Drama", "War"]'])
def test_names_in_order(tmp_path: Path, text: str) -> None:
    (tmp_path / "names").write_text(text, encoding="utf-8-sig")
    assert read_label_names(tmp_path / "names") == ["Drama", "War"]


def test_names_in_order_are_numbered_from_the_catalog_s_first_number() -> None:
    assert name_labels([["0"], ["1"]], ["a", "b"], "f") == [["a"], ["b"]]
    assert name_labels([["1"], ["2"]], ["a", "b"], "f") == [["a"], ["b"]]
    assert name_labels([["1"], []], ["a", "b", "c"], "f") == [["b"], []]


def test_codes_and_names_may_be_mixed() -> None:
    assert name_labels([["18", "Drama"]], BY_ID, "f") == [["Drama"]]


def test_an_id_without_a_name_is_reported() -> None:
    with pytest.raises(CatalogError, match=r"f of `label_names` has no name for '99', which"):
        name_labels([["18"], ["99"]], BY_ID, "f")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no names"),
        ("1,a\n1,b", "has the id '1' twice"),
        ("{", "is not valid JSON"),
        ('{"a": {"b": 1}}', "has no names"),
    ],
)
def test_files_of_another_form_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "names").write_text(text, encoding="utf-8")
    with pytest.raises(CatalogError, match=message):
        read_label_names(tmp_path / "names")


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no such file: .*`label_names` names one"):
        read_label_names(tmp_path / "names")


def test_a_file_that_is_not_utf8_is_reported_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "names").write_bytes("Drama\nComédie\n".encode("latin-1"))
    with pytest.raises(CatalogError, match="of `label_names`, line 2: not UTF-8"):
        read_label_names(tmp_path / "names")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_on_any_system(tmp_path: Path, end: str) -> None:
    (tmp_path / "names").write_bytes(f"id,name{end}18,Drama{end}35,Comedy{end}".encode())
    assert read_label_names(tmp_path / "names") == {"18": "Drama", "35": "Comedy"}
