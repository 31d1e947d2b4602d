"""Promise: jobs and options refuse values of another kind, with what to pass instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import genre_batch
from genre_batch.augmentation.translator import select_pivots
from genre_batch.catalog.options import ColumnOptions, ReadingOptions, WritingOptions
from genre_batch.errors import UsageError
from genre_batch.evaluation.films import EvaluationJob
from genre_batch.evaluation.tune import TuneJob
from genre_batch.tagging.job import TagJob


@pytest.mark.parametrize(
    ("function", "job"),
    [
        ("evaluate", r"EvaluationJob\(catalog=\.\.\.\)"),
        ("tune", r"TuneJob\(data=\.\.\., output=\.\.\.\)"),
        ("audit", r"AuditJob\(catalog=\.\.\.\)"),
        ("augment", r"AugmentJob\(catalog=\.\.\., output=\.\.\., translator=\.\.\.\)"),
    ],
)
@pytest.mark.parametrize("given", ["films.csv", Path("films.csv"), None, EvaluationJob])
def test_a_function_says_which_job_it_takes(function: str, job: str, given: object) -> None:
    with pytest.raises(UsageError, match=f"{function} takes a job, got .*: pass {job}"):
        getattr(genre_batch, function)(given)


@pytest.mark.training
@pytest.mark.parametrize(
    ("function", "job"),
    [
        ("train", r"TrainJob\(catalog=\.\.\., folder=\.\.\.\)"),
        ("export_onnx", r"ExportJob\(run=\.\.\., output=\.\.\.\)"),
        ("compare", r"CompareJob\(catalog=\.\.\., output=\.\.\.\)"),
    ],
)
def test_a_function_of_training_says_which_job_it_takes(function: str, job: str) -> None:
    with pytest.raises(UsageError, match=f"{function} takes a job, got 'a.csv': pass {job}"):
        getattr(genre_batch, function)("a.csv")


@pytest.mark.training
def test_a_comparison_refuses_a_bare_name() -> None:
    with pytest.raises(UsageError, match="`systems` must be a list of strings, got 'bert'"):
        genre_batch.CompareJob("a.csv", "out", systems="bert")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="`protocols` must be a list of strings, got 'clean'"):
        genre_batch.CompareJob("a.csv", "out", protocols="clean")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        (TagJob, {"sources": "films.csv"}, "`sources` must be a list of strings, got 'films.csv'"),
        (TagJob, {"sources": [1]}, "`sources` must be a list of strings"),
        (TagJob, {"output": 1}, "`output` must be a string, got 1"),
        (TagJob, {"cache": b"cache"}, "`cache` must be a string"),
        (TagJob, {"reading": "csv"}, r"`reading` must be ReadingOptions\(\), got 'csv'"),
        (TagJob, {"decision": 0.5}, r"`decision` must be Decision\(\), got 0\.5"),
        (EvaluationJob, {"catalog": None}, "`catalog` must be a path or a list of paths, got None"),
        (EvaluationJob, {"catalog": "a.csv", "threads": 0}, "`threads` must be an integer"),
        (EvaluationJob, {"catalog": "a.csv", "columns": "plot"}, "`columns` must be ColumnOptions"),
        (EvaluationJob, {"catalog": "a.csv", "part": 3}, "`part` must be a string"),
        (TuneJob, {"data": "a.csv", "output": "o"}, r"`data` must be EvaluationJob\(catalog="),
        (
            TuneJob,
            {"data": EvaluationJob("a.csv"), "output": "o", "method": "best"},
            "`method` must be one of f1",
        ),
        (ReadingOptions, {"null_values": 5}, "`null_values` must be a list of strings, got 5"),
        (ReadingOptions, {"null_values": ["a", None]}, "`null_values` must be a list of strings"),
        (ReadingOptions, {"rejects": 1}, "`rejects` must be a string"),
        (ReadingOptions, {"strict": "yes"}, "`strict` must be true or false"),
        (WritingOptions, {"separator": None}, "`separator` must be a string, got None"),
        (ColumnOptions, {"text_column": ["plot"]}, "`text_column` must be a string"),
        (ColumnOptions, {"genre_separator": ""}, "`genre_separator` must not be empty"),
    ],
)
def test_values_of_another_kind_are_refused(kind: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        kind(**options)


def test_paths_and_lists_are_taken() -> None:
    job = TagJob(sources=[Path("a.csv"), "b.csv"], output=Path("o.csv"))  # type: ignore[arg-type]
    assert job.sources == (Path("a.csv"), "b.csv")
    assert ReadingOptions(null_values=["NULL", ""]).null_values == ("NULL",)
    assert ReadingOptions(null_values="NULL,N/A").null_values == ("NULL", "N/A")


def test_pivots_are_a_list() -> None:
    with pytest.raises(UsageError, match="`pivots` must be a list of strings, got 'es'"):
        select_pivots("es", ("es", "ca"), "Apertium")
    assert select_pivots(["ca"], ("es", "ca"), "Apertium") == ("ca",)


@pytest.mark.parametrize("source", [5, None, {"a.csv"}, [None], b"a.csv"])
def test_what_is_no_path_is_no_source(tmp_path: Path, source: Any) -> None:
    with pytest.raises(UsageError, match="`sources` must be a list of strings"):
        genre_batch.tag_catalog(source, tmp_path / "o.csv")
