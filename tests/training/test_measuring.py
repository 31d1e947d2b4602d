"""report.html of a run: its metrics on a page that opens."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from genre_batch.catalog.formats import Location
from genre_batch.dataset.dataset import Dataset, concatenate, read_dataset
from genre_batch.files import write_json
from genre_batch.report.page import Report, render
from genre_batch.runs.folder import RunFolder
from genre_batch.training.measuring import run_report
from genre_batch.training.options import TrainJob
from genre_batch.training.run import TrainResult, predict_test_part, train
from support.browser import DESK, PHONE, Browser


def _training(run: Path, films: Dataset) -> Dataset:
    return concatenate(films.part("train"), read_dataset(RunFolder(run).extra))


def _report(run: Path, films: Dataset) -> Report:
    folder = RunFolder(run)
    return run_report(folder, films, _training(run, films), predict_test_part(films, folder))


def test_the_page_s_tables_are_the_run_s_figures(run: Path, films: Dataset) -> None:
    report = _report(run, films)
    sections = {section.title: section for section in report.sections}
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    figures = {row[0]: row[1:] for row in sections["Figures"].tables[0].rows}
    tested = metrics["test"]["title_and_overview"]
    assert figures["test, title and overview"][:4] == (
        tested["films"],
        tested["macro_f1"],
        *tested["macro_f1_interval"],
    )
    assert len(figures) == 4
    by_genre = {row[0]: row[5] for row in sections["Genres"].tables[0].rows}
    assert {name: round(float(value or 0), 4) for name, value in by_genre.items()} == tested["f1"]
    epochs = sections["Training"].tables[0].rows
    assert [row[0] for row in epochs] == list(range(1, 13))
    options = {row[0]: row[1] for row in sections["Options"].tables[0].rows}
    assert options["options learning rate"] == "0.003"
    assert options["data 1 sha256"] == films.sha256
    assert report.warnings == ()


def test_the_page_counts_the_films_of_each_part(
    report: TrainResult, run: Path, films: Dataset
) -> None:
    training = _training(run, films)
    page = _report(run, films)
    (table,) = next(one for one in page.sections if one.title == "Films").tables
    assert [column.name for column in table.columns] == ["Genre", "train", "dev", "test"]
    counts = {str(row[0]): row[1:] for row in table.rows}
    assert counts["all films"] == tuple(report.films.values())
    for at, name in enumerate(films.names):
        assert counts[name][0] == training.labels[:, at].sum()


@pytest.mark.filterwarnings("ignore:.*report.html is missing")
def test_a_finished_run_without_a_page_gets_the_same_one_on_resume(
    job: Callable[..., TrainJob],
    run: Path,
    extra_catalog: Location,
    films: Dataset,
    tmp_path: Path,
) -> None:
    run = shutil.copytree(run, tmp_path / "run")
    page = run / "report.html"
    written = page.read_bytes()
    assert written == render(_report(run, films))
    page.unlink()
    stages: list[str] = []
    again = train(
        job(run, extra_train=extra_catalog.path, resume=True),
        lambda done, total, what: stages.append(what),
    )
    assert stages == ["writing the report"]
    assert again.page == page
    assert page.read_bytes() == written


def test_the_page_opens_on_phone_and_desk(browser: Browser, run: Path) -> None:
    for width, dark in ((PHONE, True), (DESK, False)):
        browser.open(run / "report.html", width, dark)
        assert browser.width_beyond() <= 0
        figures = len(browser.all("figure"))
        assert figures == len(browser.all(".plot svg")) == 8
        assert browser.console() == []


def test_figures_under_the_paper_protocol_come_with_a_warning(
    job: Callable[..., TrainJob], run: Path, films: Dataset, tmp_path: Path
) -> None:
    folder = RunFolder(tmp_path)
    for file in run.iterdir():
        (tmp_path / file.name).symlink_to(file)
    provenance = folder.read_json(folder.provenance)
    folder.provenance.unlink()
    write_json(folder.provenance, provenance | {"protocol": "paper"})
    (warning,) = _report(tmp_path, films).warnings
    assert warning.startswith("under the paper protocol")
