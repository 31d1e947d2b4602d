"""Errors of click in the words of this tool's own errors: what is wrong, and what to type."""

from __future__ import annotations

import re
from typing import Any

import click

from genre_batch.options import integer, number, one_of

__all__ = ["describe_usage_error"]


def describe_usage_error(error: click.ClickException) -> str:
    """Return one line about a command line that click cannot parse."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    see_help = "" if context is None else f": see {context.command_path} --help"
    if isinstance(error, click.MissingParameter) and error.param is not None:
        return f"missing {error.param.param_type_name} {_shown(error.param)}{see_help}"
    if isinstance(error, click.BadParameter) and error.param is not None:
        return f"{_bad_value(error, error.param) or _plain(error)}{see_help}"
    if isinstance(error, click.BadOptionUsage) and "requires an argument" in error.message:
        return f"{error.option_name} needs a value{see_help}"
    unknown = _unknown_name(error)
    if unknown is not None and context is not None and _is_before_the_command(error, context):
        program, _, command = context.command_path.rpartition(" ")
        name = getattr(error, "option_name", "")
        return f"option {name!r} goes before the command: {program} {name} {command} ..."
    if unknown is not None:
        # Older versions of click do not look for commands with similar names.
        near = getattr(error, "possibilities", None)
        return f"unknown {unknown}" + (f": did you mean {near[0]!r}?" if near else see_help)
    return f"{_plain(error)}{see_help}"


def _unknown_name(error: click.ClickException) -> str | None:
    if isinstance(error, click.NoSuchOption):
        return f"option {error.option_name!r}"
    command = re.fullmatch(r"No such (command '.+')\.", error.message, re.DOTALL)
    return None if command is None else command[1]


def _is_before_the_command(error: click.ClickException, context: click.Context) -> bool:
    """Return whether an option that a command does not know is one of the command's group."""
    name = getattr(error, "option_name", None)
    group = context.parent
    return group is not None and any(name in option.opts for option in group.command.params)


def _plain(error: click.ClickException) -> str:
    return error.format_message().rstrip(".")


def _shown(parameter: click.Parameter) -> str:
    """Return the name under which the help text lists a parameter."""
    if isinstance(parameter, click.Option):
        return parameter.opts[0]
    return parameter.human_readable_name


def _bad_value(error: click.BadParameter, parameter: click.Parameter) -> str | None:
    """Return which values are allowed, as the library's errors do; None if that is not known."""
    value, is_not, _ = error.message.partition(" is not ")
    allowed = _allowed(parameter.type)
    if not is_not or allowed is None:
        return None
    return f"{_shown(parameter)} must be {allowed}, got {value}"


def _allowed(kind: click.ParamType[Any]) -> str | None:
    if isinstance(kind, click.Choice):
        return str(one_of(*kind.choices)["allowed"])
    if isinstance(kind, click.IntRange) and kind.min is not None:
        high = None if kind.max is None else int(kind.max)
        return str(integer(int(kind.min), high)["allowed"])
    if isinstance(kind, click.FloatRange) and kind.min is not None:
        limits = number(kind.min, kind.max, low_open=kind.min_open, high_open=kind.max_open)
        return str(limits["allowed"])
    return {"integer": "an integer", "float": "a number"}.get(kind.name)
