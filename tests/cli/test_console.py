"""cli/console.py: progress and tables on stderr."""

from __future__ import annotations

import pytest

from genre_batch.cli.console import steps_progress


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
