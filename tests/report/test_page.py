"""The page: everything escaped, nothing fetched, the same bytes for the same report."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genre_batch import extras, report
from genre_batch.errors import CatalogError, MissingExtraError
from genre_batch.evaluation.evaluate import Evaluation, EvaluationJob, evaluate
from genre_batch.evaluation.per_genre import Predictions
from genre_batch.extras import require_extra
from genre_batch.model.decision import Decision
from genre_batch.report.evaluation_page import evaluation_report
from genre_batch.report.page import (
    Column,
    Report,
    Section,
    Table,
    render,
    write_report,
)
from genre_batch.report.sections import facts_table, first_shown, prediction_sections
from support import tiny

HOSTILE = '<script>alert(1)</script> & "x"'


def _report(name: str = "Drama") -> Report:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, (30, 2))
    predictions = Predictions((name, "War"), labels, random.random((30, 2)), np.full(2, 0.5))
    lead, warning = f"About {name}.", f"Beware of {name}."
    return Report(f"Of {name}", (lead,), prediction_sections(predictions, name), (warning,))


def _evaluation(tiny_model: Path, tmp_path: Path, **options: Any) -> Evaluation:
    path = tmp_path / "films.csv"
    path.write_text("overview,genres\nlaugh,Comedy\ncry,Drama\nfight,Noir\n,War\n")
    return evaluate(EvaluationJob(str(path), model=str(tiny_model), ignore_unknown=True, **options))


def _without_scripts(page: str) -> str:
    return re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)


def test_a_name_that_is_html_is_shown_and_not_obeyed() -> None:
    page = render(_report(HOSTILE)).decode()
    assert "<script>alert" not in page
    assert page.count(html.escape(HOSTILE).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"))
    for spec in re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL):
        assert json.loads(spec)["description"]
        assert not set("<>&") & set(spec)


def test_the_same_report_gives_the_same_bytes() -> None:
    assert render(_report()) == render(_report())
    assert render(_report()) != render(_report("Music"))


def test_nothing_on_the_page_is_fetched_and_only_its_own_two_scripts_run() -> None:
    page = render(_report()).decode()
    assert set(re.findall(r'(?:src|href)="([^"#]*)', _without_scripts(page))) == {"", "data:,"}
    assert "@import" not in page
    assert "url(" not in (Path(report.__file__).parent / "page.css").read_text(encoding="utf-8")
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy
    assert "script-src 'unsafe-inline'" not in policy
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    allowed = re.findall(r"'sha256-([^']*)'", policy)
    digests = [hashlib.sha256(script.encode()).digest() for script in scripts]
    assert [base64.b64encode(digest).decode() for digest in digests] == allowed
    assert len(allowed) == 2


def test_a_report_is_written_whole_and_replaces_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    write_report(_report(), path)
    assert path.read_bytes() == render(_report())
    assert [one.name for one in tmp_path.iterdir()] == ["report.html"]


def test_a_report_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"cannot write .*report\.html: No such file"):
        write_report(_report(), tmp_path / "none" / "report.html")
    (tmp_path / "report.html").write_text("old")
    broken = Report("Broken", (object(),), (object(),))  # type: ignore[arg-type]
    with pytest.raises(Exception, match="no attribute 'title'"):
        write_report(broken, tmp_path / "report.html")
    assert [one.read_text() for one in tmp_path.iterdir()] == ["old"]


def test_numbers_are_shown_to_their_places_and_what_is_unknown_as_a_dash() -> None:
    counts, shares = Column("films", 0), Column("F1", 3)
    assert [counts.shown(12345), shares.shown(0.5), shares.shown(1)] == ["12,345", "0.500", "1.000"]
    assert {shares.shown(cell) for cell in (None, float("nan"), float("inf"))} == {"–"}  # noqa: RUF001
    assert Column("genre").shown("Drama") == "Drama"


@pytest.mark.parametrize("row", [("Drama",), ("Drama", "many"), ("Drama", 1, 2)])
def test_a_table_s_rows_fit_its_columns(row: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match=r"films holds numbers|argument 2 is"):
        Table("Counts", (Column("genre"), Column("films", 0)), (row,))


def test_an_evaluation_becomes_a_page_of_its_figures(tiny_model: Path, tmp_path: Path) -> None:
    result = _evaluation(tiny_model, tmp_path)
    report = evaluation_report(result)
    titles = [section.title for section in report.sections]
    assert titles[:4] == ["Averages", "Genres", "Confusion", "Curves"]
    genres = report.sections[1].tables[0]
    assert [row[:2] for row in genres.rows] == [(one.genre, one.films) for one in result.genres]
    averages = {row[0]: row[1] for row in report.sections[0].tables[0].rows}
    assert averages["macro-F1"] == result.scores.macro_f1
    assert averages["exact match"] == result.exact_match
    assert report.warnings == ("genres that the model does not know were left out: Noir (1).",)
    assert "the labels of 3 films: all of films.csv. 1 rows without" in report.lead[0]
    assert "the model's own threshold" in report.lead[1]
    model = {row[0]: row[1] for row in report.sections[-1].tables[0].rows}
    assert (model["file"], model["base model"]) == (tiny_model.name, "tiny")
    assert str(tmp_path) not in render(report).decode()


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        (Decision(operating_point="no-drama"), "the model's operating point no-drama"),
        (Decision(threshold=0.25), "a probability of 0.25"),
    ],
)
def test_a_page_says_what_made_a_probability_a_genre(
    tiny_model: Path, tmp_path: Path, decision: Decision, said: str
) -> None:
    report = evaluation_report(_evaluation(tiny_model, tmp_path, decision=decision))
    assert said in report.lead[1]


def test_a_page_says_where_a_genre_has_two_thresholds(
    conditional_model: Path, tmp_path: Path
) -> None:
    result = _evaluation(conditional_model, tmp_path)
    report = evaluation_report(result)
    assert "or one of two by whether another genre is predicted, upwards." in report.lead[1]
    thresholds = {row[0]: row[2] for row in report.sections[1].tables[0].rows}
    assert (thresholds["Comedy"], thresholds["Drama"]) == (None, 0.5)
    assert render(report) == render(evaluation_report(result))


def test_a_page_warns_of_films_that_were_trained_on(tiny_model: Path, tmp_path: Path) -> None:
    seen = replace(_evaluation(tiny_model, tmp_path), trained_on=2, ignored={})
    (warning,) = evaluation_report(seen).warnings
    assert warning.startswith("the model was trained on 2 of these 3 films")


def test_an_evaluation_without_its_predictions_makes_no_page(
    tiny_model: Path, tmp_path: Path
) -> None:
    bare = replace(_evaluation(tiny_model, tmp_path), predictions=None)
    with pytest.raises(ValueError, match="without them"):
        evaluation_report(bare)


def test_drama_is_shown_first_or_else_the_most_common_genre(
    tiny_model: Path, tmp_path: Path
) -> None:
    genres = _evaluation(tiny_model, tmp_path).genres
    assert first_shown(genres) == "Drama"
    assert first_shown([one for one in genres if one.genre != "Drama"]) == "Comedy"
    assert tiny.LABELS[0] == "Action"


def test_facts_of_any_depth_become_rows_of_words() -> None:
    facts = {"a": {"b": 1, "c_d": None}, "d": [{"e": True}, {"e": False}], "f": [1, 2], "g": []}
    assert facts_table(facts, "Facts").rows == (
        ("a b", "1"),
        ("a c d", "none"),
        ("d 1 e", "yes"),
        ("d 2 e", "no"),
        ("f", "[1, 2]"),
        ("g", "none"),
    )


def test_without_its_packages_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    require_extra("this", "report")
    monkeypatch.setattr(
        extras, "find_spec", lambda name: None if name == "vl_convert" else object()
    )
    with pytest.raises(MissingExtraError, match=r"this needs the extra 'report' \(vl_convert"):
        require_extra("this", "report")


def test_a_section_may_have_nothing_but_words() -> None:
    page = render(Report("Words", (), (Section("One", ("Only words.",)),))).decode()
    assert "<p>Only words.</p>" in page
    assert "<table" not in _without_scripts(page)
