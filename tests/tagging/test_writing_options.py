"""Promise: text output has the delimiter and encoding that were asked for, whatever the input."""

from __future__ import annotations

from pathlib import Path

import pytest

from genre_batch import CatalogError, UsageError, tag_catalog

ROWS = 'id,overview\n1,"laugh, é"\n2,cry\n'


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    path = tmp_path / "films.csv"
    path.write_text(ROWS, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [(None, b""), ("utf-8", b""), ("utf-8-sig", b"\xef\xbb\xbf"), ("latin-1", b"")],
)
@pytest.mark.parametrize(("delimiter", "sign"), [(None, ","), (";", ";"), ("tab", "\t")])
def test_bytes_of_csv(
    catalog: Path,
    tiny_model: Path,
    encoding: str | None,
    mark: bytes,
    delimiter: str | None,
    sign: str,
) -> None:
    output = catalog.with_name("o.csv")
    tag_catalog(
        catalog,
        output,
        model=tiny_model,
        output_delimiter=delimiter,
        output_encoding=encoding,
        separator="|",
    )
    first = '"laugh, é"' if sign == "," else "laugh, é"
    lines = [("id", "overview", "predicted_genres"), ("1", first, "Comedy"), ("2", "cry", "Drama")]
    text = "".join(sign.join(cells) + "\n" for cells in lines)
    # What stands before the first cell is written once.
    assert output.read_bytes() == mark + text.encode((encoding or "utf-8").removesuffix("-sig"))


def test_two_inputs_have_one_mark(catalog: Path, tiny_model: Path) -> None:
    output = catalog.with_name("o.tsv")
    other = catalog.with_name("other.csv")
    other.write_text(ROWS, encoding="utf-8")
    tag_catalog([catalog, other], output, model=tiny_model, output_encoding="utf-8-sig")
    assert output.read_bytes().count(b"\xef\xbb\xbf") == 1


def test_a_tagged_catalog_for_excel_is_read_back(catalog: Path, tiny_model: Path) -> None:
    first, second = catalog.with_name("a.csv"), catalog.with_name("b.jsonl")
    options = {"output_delimiter": ";", "output_encoding": "utf-16"}
    tag_catalog(catalog, first, model=tiny_model, **options)  # type: ignore[arg-type]
    tag_catalog(first, second, model=tiny_model, encoding="utf-16", replace=True)
    assert '"overview":"laugh, é"' in second.read_text(encoding="utf-8")


def test_a_character_that_the_encoding_lacks_is_an_error(catalog: Path, tiny_model: Path) -> None:
    catalog.write_text("id,overview\n1,laugh 猫\n", encoding="utf-8")
    output = catalog.with_name("o.csv")
    with pytest.raises(CatalogError, match="`output_encoding` iso8859-1 cannot encode"):
        tag_catalog(catalog, output, model=tiny_model, output_encoding="latin-1")
    assert not output.exists()


@pytest.mark.parametrize(
    "options",
    [{"output_delimiter": "ab"}, {"output_delimiter": ""}, {"output_encoding": "klingon"}],
)
def test_other_values_are_usage_errors(
    catalog: Path, tiny_model: Path, options: dict[str, str]
) -> None:
    with pytest.raises(UsageError, match=f"`{next(iter(options))}`"):
        tag_catalog(catalog, catalog.with_name("o.csv"), model=tiny_model, **options)  # type: ignore[arg-type]
