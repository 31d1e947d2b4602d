"""cli/console.py: progress and tables on stderr."""

from __future__ import annotations

import click
import pytest

from genre_batch.cli.console import print_tables, steps_progress, table
from genre_batch.cli.group import cli


def test_each_stage_has_a_bar_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    with steps_progress(True) as advance:
        for done in range(1, 5):
            advance(done, 4, "starting")
        advance(0, 0, "reading")
        for done in range(1, 10):
            advance(done, 9, "training")
    captured = capsys.readouterr()
    assert captured.out == ""
    starting, training = captured.err.split("reading ...\n")
    assert "starting: 100%" in starting
    assert " 4/4 " in starting
    assert "training: 100%" in training
    assert " 9/9 " in training


def test_without_a_terminal_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with steps_progress(None) as advance:
        advance(1, 4, "starting")
        advance(0, 0, "reading")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("quiet", "shown"), [(True, False), (False, True)])
def test_quiet_leaves_out_tables_that_are_not_the_data(
    capsys: pytest.CaptureFixture[str], quiet: bool, shown: bool
) -> None:
    with click.Context(cli, obj={"quiet": quiet, "verbose": False}):
        print_tables(table("Counts", "genre", "rows"))
        print_tables(table("Data", "genre", "rows"), stderr=False)
    captured = capsys.readouterr()
    assert ("Counts" in captured.err) == shown
    assert "Data" in captured.out
