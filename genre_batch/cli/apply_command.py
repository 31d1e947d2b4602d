"""The command that applies the decisions of a page, as the page shows it."""

from __future__ import annotations

import os
import shlex
from pathlib import PurePath

import click
from click.core import ParameterSource

__all__ = ["apply_command", "download_name"]

_FILES = ("genre_map", "label_names", "model")
"""Options whose values are paths; a page names them without folders, which may be private."""
_NOT_SHOWN = ("rejects", "strict", "infer_types")
"""Options of reading that do not decide which rows or genres there are."""


def download_name(catalog: str) -> str:
    """Return the name of the file of decisions.

    Args:
        catalog: the name of the catalog, without folders.
    """
    stem = _split(catalog)[0]
    return f"{stem if _is_plain(stem) else 'catalog'}.review.csv"


def apply_command(context: click.Context, catalog: str, name: str) -> str:
    """Return what to type to apply the downloaded decisions, with the audit's own options.

    Args:
        context: of the audit.
        catalog: as it was named.
        name: its name, without folders.
    """
    stem, suffix = _split(name)
    download = download_name(name)
    if catalog == "-":
        name, output = "-", f"corrected.{context.params.get('input_format') or 'jsonl'}"
    elif os.path.isdir(catalog) or not _is_plain(name) or not suffix:
        output = "corrected/"
    else:
        output = f"{stem}-corrected{suffix}"
    paths = [_not_an_option(path) for path in (download, name, output)]
    words = ["genre-batch", "apply", *paths[:2], "-o", paths[2]]
    text = shlex.join([*words, *_options(context)])
    return f"{text} < CATALOG" if catalog == "-" else text


def _not_an_option(path: str) -> str:
    """Return a path that a command does not take for an option."""
    return f"./{path}" if path.startswith("-") and path != "-" else path


def _split(name: str) -> tuple[str, str]:
    """Return the name of a catalog without its suffixes, and these; a folder has none."""
    from genre_batch.catalog.formats import format_of

    if format_of(name)[0] is None:
        return name, ""
    stem, suffix = os.path.splitext(name)
    if format_of(f"x{suffix}")[0] is None:
        stem, inner = os.path.splitext(stem)
        suffix = inner + suffix
    return stem, suffix


def _is_plain(name: str) -> bool:
    return bool(name) and not set(name) & set("*?[]\0/")


def _options(context: click.Context) -> list[str]:
    """Return the options that the user gave and that `apply` needs, too."""
    from genre_batch.cli.apply import GROUPS

    names = {*GROUPS["Input"], "model"}.difference(_NOT_SHOWN)
    words: list[str] = []
    for parameter in context.command.params:
        name = parameter.name or ""
        if name not in names or context.get_parameter_source(name) != ParameterSource.COMMANDLINE:
            continue
        value = context.params[name]
        words.append(parameter.opts[0])
        if isinstance(value, bool):
            continue
        text = ",".join(value) if isinstance(value, list | tuple) else str(value)
        words.append(PurePath(text).name if name in _FILES else text)
    return words
