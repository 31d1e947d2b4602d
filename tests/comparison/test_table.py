"""The Markdown tables of a comparison: the paper's figures, ours, and the caveats."""

from __future__ import annotations

import json

from genre_batch.comparison.table import PAPER, comparison_markdown
from support.places import ROOT
from support.trials import trial_rows


def test_the_table_has_our_figures_next_to_the_paper_s() -> None:
    rows = trial_rows(system="distilbert", protocol="paper") + trial_rows(system="distilbert")
    text = comparison_markdown(rows)
    for description, accuracy, score in PAPER.values():
        assert f"| {description} | " in text
        assert f"{accuracy:.4f}" in text
        assert f"{score:.4f}" in text
    ours = next(line for line in text.splitlines() if line.startswith("| original model"))
    assert ours.count(f"{rows[0]['accuracy']:.4f}") == 2
    assert "## Protocol `paper`: every system" in text
    assert "## Protocol `clean`: every system" in text


def test_a_catalog_with_other_genres_is_not_compared_with_the_paper() -> None:
    rows = trial_rows(system="distilbert", protocol="paper", base_model="some-encoder")
    text = comparison_markdown(rows, of_paper=False)
    assert text.startswith("# Systems compared\n")
    assert "the paper's" not in text.lower()
    assert "## Protocol `paper`: every system" in text


def test_the_published_page_is_that_of_its_json_file() -> None:
    results = ROOT / "docs" / "results"
    rows = json.loads((results / "paper.json").read_text(encoding="utf-8"))
    assert (results / "paper.md").read_text(encoding="utf-8") == comparison_markdown(rows)


def test_the_table_names_the_differences_from_the_paper() -> None:
    text = comparison_markdown(trial_rows(base_model="some-encoder", copies_by="Somebody (es, ca)"))
    assert "Somebody (es, ca)" in text
    assert "`some-encoder`" in text
    assert "--quick" not in text


def test_the_table_warns_of_quick_figures() -> None:
    assert "Made with --quick" in comparison_markdown(trial_rows(quick=True))


def test_the_table_warns_of_a_model_trained_on_test_films() -> None:
    text = comparison_markdown(trial_rows(system="shipped", protocol="paper", seen=7))
    assert "trained on 7 of the test films" in text
    assert "Best accuracy under the paper's" not in text
