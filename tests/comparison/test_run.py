"""A comparison is written system by system, and resumed after an interruption."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genre_batch.catalog.formats import Location, input_location
from genre_batch.catalog.options import ColumnOptions
from genre_batch.catalog.reading.whole import read_table
from genre_batch.comparison.job import CompareJob
from genre_batch.comparison.run import compare
from genre_batch.comparison.scoring import SCHEMES
from genre_batch.comparison.systems import registry
from genre_batch.comparison.systems.always_zero import AlwaysZero
from genre_batch.dataset.dataset import Dataset
from genre_batch.dataset.load import load_dataset
from genre_batch.errors import GenreBatchError, GenreBatchWarning, TrainingError, UsageError
from genre_batch.locks import locked

FAST = ("always-0", "tfidf-nb", "tfidf-logreg")


@pytest.fixture(scope="module")
def oversampled(catalog: Location, tmp_path_factory: pytest.TempPathFactory) -> Location:
    """Write the catalog with two copies of every third film."""
    table = read_table(catalog)
    rows = np.arange(len(table))
    sources = np.repeat(rows[:120:3], 2)
    copies = table.take(pa.array(sources))
    texts = [
        f"copy {number} {text}" for number, text in enumerate(copies.column("overview").to_pylist())
    ]
    column = copies.column_names.index("overview")
    copies = copies.set_column(column, "overview", pa.array(texts))
    both = pa.concat_tables([table, copies])
    both = both.append_column("source_row", pa.array(np.concatenate([rows, sources])))
    pivots = [None] * len(rows) + ["es", "ca"] * (len(sources) // 2)
    path = tmp_path_factory.mktemp("oversampled") / "films.parquet"
    pq.write_table(both.append_column("pivot", pa.array(pivots, pa.string())), path)
    return input_location(str(path))


@pytest.fixture
def comparison(
    catalog: Location, oversampled: Location, base_model: Path, tmp_path: Path
) -> CompareJob:
    return CompareJob(
        catalog.path,
        tmp_path / "run",
        systems=FAST,
        base_model=str(base_model),
        oversampled=oversampled.path,
        quick=True,
    )


def _folder(comparison: CompareJob) -> Path:
    return Path(comparison.output)


def _comparable(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Remove what depends on the clock."""
    return [
        {key: value for key, value in row.items() if key not in ("seconds", "films_per_second")}
        for row in rows
    ]


def test_a_comparison_has_every_row(comparison: CompareJob) -> None:
    result = compare(replace(comparison, protocols=("clean", "paper")))
    held = [(row["protocol"], row["system"], row["thresholds"]) for row in result.rows]
    assert held == [
        (protocol, system, scheme)
        for protocol in ("clean", "paper")
        for system, schemes in (
            ("always-0", ("fixed-0.5",)),
            ("tfidf-nb", ("top-genre",)),
            ("tfidf-logreg", SCHEMES),
        )
        for scheme in schemes
    ]
    assert json.loads((_folder(comparison) / "comparison.json").read_text()) == result.rows
    assert "tfidf-logreg" in (_folder(comparison) / "comparison.md").read_text()
    assert result.trials == 6


def test_several_files_are_one_catalog(comparison: CompareJob, tmp_path: Path) -> None:
    header, *rows = Path(str(comparison.catalog)).read_text("utf-8").splitlines(keepends=True)
    files = tmp_path / "a.csv", tmp_path / "b.csv"
    for file, part in zip(files, (rows[:70], rows[70:]), strict=True):
        file.write_text("".join([header, *part]), encoding="utf-8")
    whole = compare(replace(comparison, systems=("tfidf-nb",)))
    several = replace(comparison, systems=("tfidf-nb",), output=tmp_path / "several")
    assert _comparable(compare(replace(several, catalog=files)).rows) == _comparable(whole.rows)
    assert compare(replace(several, catalog=f"{tmp_path}/?.csv")).trials == 0  # resumed


def test_a_resumed_comparison_has_the_same_rows(
    comparison: CompareJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = compare(replace(comparison, output=_folder(comparison).with_name("whole")))
    fits = []

    class Broken(AlwaysZero):
        def fit(self, *arguments: object) -> float:
            raise KeyboardInterrupt

    class Counted(AlwaysZero):
        def fit(self, *arguments: Any) -> float:
            fits.append("always-0")
            return 0.0

    entries = {
        "always-0": replace(registry.SYSTEMS["always-0"], make=lambda setting: Counted()),
        "tfidf-logreg": replace(registry.SYSTEMS["tfidf-logreg"], make=lambda setting: Broken()),
    }
    with monkeypatch.context() as patched:
        for name, entry in entries.items():
            patched.setitem(registry.SYSTEMS, name, entry)
        with pytest.raises(KeyboardInterrupt):
            compare(comparison)
        assert {row["system"] for row in _rows_on_disk(comparison)} == {"always-0", "tfidf-nb"}
    again = compare(comparison)
    assert fits == ["always-0"]
    assert again.trials == 1
    assert _comparable(again.rows) == _comparable(whole.rows)


def _rows_on_disk(comparison: CompareJob) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((_folder(comparison) / "comparison.json").read_text())
    return rows


def test_a_system_can_be_added_later(comparison: CompareJob) -> None:
    compare(replace(comparison, systems=("always-0",)))
    result = compare(replace(comparison, systems=("tfidf-nb",)))
    assert [row["system"] for row in result.rows] == ["always-0", "tfidf-nb"]
    assert result.trials == 1


def test_the_oversampled_catalog_is_split_as_the_original_is(
    comparison: CompareJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, list[Dataset]] = {}

    def watching(name: str) -> None:
        class Watching(AlwaysZero):
            def fit(self, training: Dataset, development: Dataset, progress: object) -> float:
                seen[name] = [training, development]
                return 0.0

        entry = replace(registry.SYSTEMS[name], make=lambda setting: Watching())
        monkeypatch.setitem(registry.SYSTEMS, name, entry)

    for name in ("distilbert", "distilbert-oversampled"):
        watching(name)
    compare(replace(comparison, systems=("distilbert", "distilbert-oversampled")))
    original, more = seen["distilbert"], seen["distilbert-oversampled"]
    assert more[1].texts == original[1].texts
    assert set(original[0].texts) < set(more[0].texts)
    copies = set(more[0].texts) - set(original[0].texts)
    assert copies
    # A copy's film is in the training part, too.
    assert {text.split(" ", 2)[2] for text in copies} <= set(original[0].texts)


def test_only_the_papers_protocol_tests_on_copies(
    comparison: CompareJob,
) -> None:
    result = compare(replace(comparison, systems=("always-0",), protocols=("clean", "paper")))
    clean, paper = result.rows
    assert paper["films"] > clean["films"]
    assert (clean["data"], paper["data"]) == ("original", "oversampled")


def test_the_control_has_its_accuracy_on_the_whole_catalog(comparison: CompareJob) -> None:
    result = compare(replace(comparison, systems=("always-0",), protocols=("clean", "paper")))
    for row in result.rows:
        protocol = row["protocol"]
        path = comparison.catalog if protocol == "clean" else comparison.oversampled
        catalog = input_location(str(path))
        labels = load_dataset(
            catalog, comparison.columns, with_title=False, protocol=protocol
        ).labels
        assert row["zeros"] == round(1 - labels.mean(), 4)
        assert f"{row['zeros']:.4f} for the" in (_folder(comparison) / "comparison.md").read_text()


def test_encoders_are_fine_tuned_and_leave_no_checkpoints(
    comparison: CompareJob, tiny_bert: Path
) -> None:
    with_bert = replace(
        comparison,
        systems=("bert", "distilbert", "distilbert-oversampled", "distilbert-own-recipe"),
        bert_model=str(tiny_bert),
    )
    result = compare(with_bert)
    by_system = {row["system"]: row for row in result.rows}
    assert by_system["bert"]["thresholds"] == "top-genre"
    assert by_system["bert"]["base_model"] == str(tiny_bert)
    assert by_system["distilbert"]["base_model"] == comparison.base_model
    assert (
        by_system["distilbert-oversampled"]["training_films"]
        > by_system["distilbert"]["training_films"]
    )
    assert all(row["seconds"] > 0 and row["parameters"] > 0 for row in result.rows)
    assert not list(_folder(comparison).rglob("checkpoint*"))


def test_a_given_model_has_its_own_name_and_reads_titles_too(
    comparison: CompareJob, exported: dict[str, Path]
) -> None:
    both = ("shipped-overview", "shipped")
    result = compare(replace(comparison, systems=both, model=str(exported["fp32"])))
    assert {row["system"]: row["reads"] for row in result.rows} == {
        "fp32.onnx (overview)": "overview",
        "fp32.onnx": "title and overview",
    }
    assert {row["says"] for row in result.rows} == {
        "fp32.onnx, overviews alone",
        "fp32.onnx, titles and overviews",
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 1}, "holds a comparison with another seed: 0, now 1"),
        ({"quick": False}, "another quick"),
        ({"oversampled": None}, "another oversampled_sha256"),
        (
            {"columns": ColumnOptions(empty="negative")},
            "another labels: None, now {'columns': None",
        ),
        ({"columns": ColumnOptions(group_rows=True)}, "another labels"),
    ],
)
def test_a_folder_with_another_comparison_is_refused(
    comparison: CompareJob, changes: dict[str, Any], message: str
) -> None:
    compare(replace(comparison, systems=("always-0",)))
    before = (_folder(comparison) / "comparison.json").read_bytes()
    with pytest.raises(TrainingError, match=message):
        compare(replace(comparison, **changes))
    assert (_folder(comparison) / "comparison.json").read_bytes() == before


def test_a_comparison_that_failed_before_its_first_system_does_not_hold_its_folder(
    comparison: CompareJob, tmp_path: Path
) -> None:
    missing = str(tmp_path / "no-such-encoder")
    with pytest.raises(GenreBatchError, match="no-such-encoder"):
        compare(replace(comparison, systems=("distilbert",), base_model=missing))
    mended = replace(comparison, systems=("always-0",), seed=1)
    assert compare(mended).trials == 1
    elsewhere = compare(replace(mended, output=tmp_path / "elsewhere"))
    split = (_folder(comparison) / "split.csv").read_bytes()
    assert split == (elsewhere.output / "split.csv").read_bytes()


def test_a_folder_that_another_comparison_uses_is_refused(comparison: CompareJob) -> None:
    job = replace(comparison, systems=("always-0",))
    compare(job)

    def busy(process: str) -> TrainingError:
        return TrainingError(process)

    refused = pytest.raises(TrainingError, match=r"another comparison \(process \d+\) is using")
    with locked(_folder(job) / "run.lock", busy), refused:
        compare(job)
    assert compare(job).trials == 0


def test_a_folder_with_something_else_is_refused(comparison: CompareJob) -> None:
    _folder(comparison).mkdir()
    (_folder(comparison) / "precious").write_text("mine")
    with pytest.raises(TrainingError, match="is not empty and holds no comparison"):
        compare(comparison)
    assert [path.name for path in _folder(comparison).iterdir()] == ["precious"]


def test_unknown_names_are_refused(comparison: CompareJob) -> None:
    with pytest.raises(UsageError, match="'gpt' in `systems`: choose from always-0, "):
        replace(comparison, systems=("gpt",))
    with pytest.raises(UsageError, match="'fair' in `protocols`: choose from clean, paper"):
        replace(comparison, protocols=("fair",))


def test_the_command_prints_rows_as_json(
    command: Callable[..., Any], catalog: Location, tmp_path: Path
) -> None:
    arguments = ["compare", catalog.path, "-o", tmp_path / "run", "--systems", "always-0", "--json"]
    done = command(*arguments)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert (row["system"], row["thresholds"], row["protocol"]) == ("always-0", "fixed-0.5", "clean")
    assert b"1 systems fitted now" in done.stderr
    shutil.rmtree(tmp_path / "run")


def test_the_command_refuses_a_catalog_without_labels(
    command: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "films.csv").write_text("title,overview\na,b\n")
    done = command("compare", tmp_path / "films.csv", "-o", tmp_path / "run")
    assert done.returncode == 1
    assert b"no column named genre" in done.stderr
    assert not (tmp_path / "run").exists()
    assert done.stderr.count(b"\n") == 1


def test_the_command_names_its_options_in_errors(
    command: Callable[..., Any], catalog: Location, tmp_path: Path
) -> None:
    (tmp_path / "precious").write_text("mine")
    unknown = command("compare", catalog.path, "-o", tmp_path / "run", "--systems", "gpt")
    assert (unknown.returncode, b"unknown name 'gpt' in --systems" in unknown.stderr) == (2, True)
    taken = command("compare", catalog.path, "-o", tmp_path, "--systems", "always-0")
    assert (taken.returncode, b"choose another -o" in taken.stderr) == (1, True)


@pytest.mark.parametrize("damage", ["cut", "empty", "other", "missing key"])
@pytest.mark.parametrize("name", ["trial.json", "answers.npz"])
def test_a_system_whose_files_are_damaged_is_fitted_again(
    comparison: CompareJob, name: str, damage: str
) -> None:
    job = replace(comparison, systems=("always-0", "tfidf-nb"))
    before = _comparable(compare(job).rows)
    path = _folder(job) / "clean" / "always-0" / name
    content = path.read_bytes()
    damaged = {
        "cut": content[: len(content) // 2],
        "empty": b"",
        "other": b"[]",
        "missing key": b'{"names": [], "trial": {}}',
    }
    path.write_bytes(damaged[damage])
    with pytest.warns(GenreBatchWarning, match="always-0 are damaged: it is left out"):
        others = compare(replace(job, systems=("tfidf-nb",)))
    assert {row["system"] for row in others.rows} == {"tfidf-nb"}
    with pytest.warns(GenreBatchWarning, match="always-0 are damaged: it is fitted again"):
        again = compare(job)
    assert again.trials == 1
    assert _comparable(again.rows) == before


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_a_damaged_provenance_of_a_comparison_is_an_error(
    comparison: CompareJob, content: str
) -> None:
    folder = _folder(comparison)
    folder.mkdir()
    (folder / "provenance.json").write_text(content)
    with pytest.raises(TrainingError, match=r"provenance\.json is damaged, .* another `output`"):
        compare(comparison)


def test_a_damaged_split_of_a_comparison_is_drawn_again(comparison: CompareJob) -> None:
    job = replace(comparison, systems=("always-0",))
    compare(job)
    split = _folder(job) / "split.csv"
    content = split.read_bytes()
    split.write_bytes(content[:-7])
    shutil.rmtree(_folder(job) / "clean")
    compare(job)
    assert split.read_bytes() == content
