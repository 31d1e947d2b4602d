"""Errors of the command line itself."""

from __future__ import annotations

import click
import pytest

from genre_batch.cli.group import cli
from genre_batch.cli.usage_errors import describe_usage_error
from genre_batch.errors import UsageError
from genre_batch.tagging.job import TagJob


def _message(*arguments: str) -> str:
    with pytest.raises(click.ClickException) as caught:
        cli.main(arguments, prog_name="genre-batch", standalone_mode=False)
    return describe_usage_error(caught.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("tag --engine rai", "--engine must be one of local, ray, got 'rai'"),
        ("tag --top-k 0", "--top-k must be an integer (1 or more), got 0"),
        ("tag --top-k two", "--top-k must be an integer (1 or more), got 'two'"),
        ("tag --threshold 2", "--threshold must be a number (0 or more and at most 1), got 2.0"),
        ("train --masking 1", "--masking must be a number (0 or more and below 1), got 1.0"),
        ("train --learning-rate 0", "--learning-rate must be a number (above 0), got 0.0"),
        ("export-onnx run --max-loss x", "--max-loss must be a number, got 'x'"),
        ("apply review.csv", "missing argument CATALOG"),
        ("tune films.csv", "missing option -o"),
        ("tag --no-such-thing", "unknown option '--no-such-thing'"),
    ],
)
def test_an_error_states_what_is_wrong_and_names_the_help(line: str, message: str) -> None:
    command, *arguments = line.split()
    assert _message(command, *arguments) == f"{message}: see genre-batch {command} --help"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("tag --topk 3", "unknown option '--topk': did you mean '--top-k'?"),
        ("sing", "unknown command 'sing': see genre-batch --help"),
        ("tag -o", "-o needs a value"),
        (
            "tag f.csv --debug",
            "option '--debug' goes before the command: genre-batch --debug tag ...",
        ),
        ("tune -q", "option '-q' goes before the command: genre-batch -q tune ..."),
    ],
)
def test_a_command_line_that_cannot_be_read_is_one_plain_line(line: str, message: str) -> None:
    assert _message(*line.split()) == message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tag", "films.csv", "--cache", ""), "--cache is empty: give it a value, or leave it out"),
        (("tag", "films.csv", "--rejects", " "), "--rejects is empty: give it a value, or leave"),
        (("audit", "films.csv", "--genres", ","), "--genres is empty: give it a value, or leave"),
        (("evaluate", "f.csv", "--label-columns", ""), "--label-columns is empty: give it a value"),
        (("apply", "r.csv", "f.csv", "-o", ""), "-o is empty: give it a value"),
        (("apply", "r.csv", "", "-o", "o.csv"), "CATALOG is empty"),
        (("tag", "films.csv", ""), "INPUT is empty"),
        (("train", "f.csv", "-o", "r", "--extra-train", ""), "--extra-train is empty: give it"),
    ],
)
def test_an_empty_path_or_list_is_refused(arguments: tuple[str, ...], message: str) -> None:
    assert _message(*arguments).startswith(message)


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("tag", "--exclude-genres"),
        ("train", "--exclude-genres"),
        ("evaluate", "--label-columns"),
        ("audit", "--genres"),
        ("augment", "--pivots"),
        ("tag", "--null-values"),
        ("compare", "--systems"),
    ],
)
def test_a_list_that_is_given_twice_holds_both(command: str, option: str) -> None:
    known = cli.commands[command]
    name = option.lstrip("-").replace("-", "_")
    required = ["films.csv", "-o", "out"] if command != "evaluate" else ["films.csv"]
    for arguments, value in (
        ([option, "A", option, "B,C"], "A,B,C"),
        ([option, "A,B"], "A,B"),
        ([], None),
    ):
        line = [*required, *arguments]
        # A command keeps the names of --help of its first context, which has the group's.
        group = cli.make_context("genre-batch", [command, *line])
        context = known.make_context(command, line, parent=group)
        assert context.params[name] == value


def test_the_command_line_and_the_library_word_a_bad_value_alike() -> None:
    with pytest.raises(UsageError) as caught:
        TagJob(threads=0)
    message = str(caught.value).replace("`threads`", "--threads")
    assert _message("tag", "--threads", "0").startswith(f"{message}: see ")
