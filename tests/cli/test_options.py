"""Options that several commands share."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

import click
import pytest

from genre_batch.catalog.formats import Format
from genre_batch.catalog.options import ColumnOptions, ReadingOptions
from genre_batch.cli.group import cli
from genre_batch.cli.option_groups import READING, GroupedCommand
from genre_batch.cli.options import FORMATS, columns_from, reading_from
from genre_batch.errors import UsageError

READERS = ("tag", "audit", "evaluate", "tune", "train", "augment", "compare", "inspect")
LABELLED = ("evaluate", "tune", "train", "compare")


def _parameters(command: str) -> dict[str, click.Parameter]:
    return {parameter.name or "": parameter for parameter in cli.commands[command].params}


@pytest.mark.parametrize("command", READERS)
def test_every_command_that_reads_a_catalog_has_all_reading_options(command: str) -> None:
    parameters = _parameters(command)
    for field in fields(ReadingOptions):
        assert isinstance(parameters[field.name], click.Option)


@pytest.mark.parametrize("command", LABELLED)
def test_commands_that_read_labels_have_all_column_options(command: str) -> None:
    assert {field.name for field in fields(ColumnOptions)} <= set(_parameters(command))


def test_an_audit_has_all_column_options_but_that_of_joined_rows() -> None:
    options = {field.name for field in fields(ColumnOptions)} - {"group_rows"}
    assert options <= set(_parameters("audit"))


def test_the_command_line_offers_every_format() -> None:
    assert tuple(kind.value for kind in Format) == FORMATS


def test_options_are_moved_into_their_dataclass() -> None:
    options: dict[str, Any] = asdict(ReadingOptions()) | {
        "input_format": "csv",
        "delimiter": "tab",
        "encoding": "UTF8",
        "quote": "None",
        "null_values": "NULL,N/A",
        "no_hive": True,
        "text_column": "a",
    }
    assert reading_from(options) == ReadingOptions(
        "csv", "\t", "utf-8", quote="none", null_values=("NULL", "N/A"), no_hive=True
    )
    assert columns_from(options) == ColumnOptions(text_column="a")
    assert options == {}


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"input_format": "xml"}, "`input_format` must be one of csv, tsv, .*, got 'xml'"),
        ({"delimiter": "--"}, "one character"),
        ({"encoding": "klingon"}, "klingon"),
        ({"quote": "--"}, "`quote` must be none or one character"),
        ({"escape": ""}, "`escape` must be one character"),
        ({"delimiter": "'", "quote": "'"}, "must be different characters"),
        ({"skip_lines": -1}, "`skip_lines` must be"),
        ({"strict": True, "rejects": "r"}, "`strict` and `rejects` cannot be used together"),
    ],
)
def test_an_invalid_reading_option_is_a_usage_error(option: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ReadingOptions(**option)


@pytest.mark.parametrize("name", READERS)
def test_help_has_the_options_of_reading_and_of_columns_in_named_groups(name: str) -> None:
    command = cli.commands[name]
    assert isinstance(command, GroupedCommand)
    *named, last = command.groups.values()
    grouped = {option for options in named for option in options}
    options = {field.name for kind in (ReadingOptions, ColumnOptions) for field in fields(kind)}
    assert options & set(_parameters(name)) <= grouped
    assert not options & set(last)


@pytest.mark.parametrize("name", ["tag", "audit", "train"])
def test_help_in_groups_names_every_option_once_and_those_of_reading_together(name: str) -> None:
    command = cli.commands[name]
    assert isinstance(command, GroupedCommand)
    grouped = [option for options in command.groups.values() for option in options]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) == {
        option.name for option in command.params if isinstance(option, click.Option)
    }
    group = command.groups["Data" if name == "train" else "Input"]
    assert {field.name for field in fields(ReadingOptions)} <= set(group)
    assert set(READING) == {field.name for field in fields(ReadingOptions)}
