"""Rows that cannot be read: their location, the reason, and their raw text."""

from __future__ import annotations

import base64
import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Literal

from genre_batch.catalog.formats import Format, Location
from genre_batch.catalog.reading.charset import UTF_8, encoding_advice
from genre_batch.catalog.writing.atomic import open_output
from genre_batch.errors import CatalogError
from genre_batch.failures import reason_of
from genre_batch.paths import is_stream, make_folder

__all__ = [
    "REJECTS_SUFFIX",
    "Reason",
    "Reject",
    "RejectsFile",
    "ignore_reject",
    "padded_note",
    "raise_on_reject",
    "rejects_note",
]

REJECTS_SUFFIX = ".rejects.jsonl"

Reason = Literal[
    "too_many_fields",
    "invalid_utf8",
    "bad_quoting",
    "repeated_header",
    "other_header",
    "invalid_json",
    "not_an_object",
    "too_deep",
]
"""Why a record cannot be read. `other_header`, a header with its columns in another order, is an
error, because the cells of the rows after it are in other columns."""

_IN_WORDS: dict[Reason, str] = {
    "too_many_fields": "has more fields than the header",
    "invalid_utf8": "is not valid {encoding}",
    "bad_quoting": "has broken quoting",
    "repeated_header": "repeats the header",
    "other_header": "is a header with the columns in another order",
    "invalid_json": "is not valid JSON",
    "not_an_object": "is JSON but not an object",
    "too_deep": "has values nested too deeply to be read",
}

_ADVICE: dict[Reason, str] = {
    "bad_quoting": "set `quote` to none if the file does not quote its cells, or `escape` to \\ if "
    "it escapes quotes",
}


_FIRST_KEY = b'{"file": "'
"""How each line of a rejects file starts."""


@dataclass(frozen=True)
class Reject:
    """One record that cannot be read.

    Attributes:
        file: the catalog's name.
        line: the physical line on which the record starts (1-based; the header is line 1).
        byte_offset: the record's offset in the decompressed file.
        reason: why it cannot be read.
        raw: the record's bytes, without the line ending; in UTF-8 where the file is not.
        detail: where in the record the error is, and which; empty if that is not known.
        encoding: the encoding that the file was read with.
    """

    file: str
    line: int
    byte_offset: int
    reason: Reason
    raw: bytes
    detail: str = field(default="", compare=False)
    encoding: str = field(default=UTF_8, compare=False)

    def as_json(self) -> bytes:
        r"""Return a line of the rejects file; `raw_base64` replaces `raw` if it is not UTF-8.

        Bytes of the file's name that are not UTF-8 are escaped as lone surrogates, as in \udce9.
        """
        value: dict[str, object] = {
            "file": self.file,
            "line": self.line,
            "byte_offset": self.byte_offset,
            "reason": self.reason,
        }
        try:
            value["raw"] = self.raw.decode("utf-8")
        except UnicodeDecodeError:
            value["raw_base64"] = base64.b64encode(self.raw).decode("ascii")
        line = json.dumps(value, ensure_ascii=False) + "\n"
        return line.encode("utf-8", "backslashreplace")

    def __str__(self) -> str:
        shown = self.raw[:60].decode("utf-8", "replace").strip()
        words = _IN_WORDS[self.reason].format(encoding=self.encoding.upper())
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.file}, line {self.line} (byte {self.byte_offset}) {words}{detail}: {shown!r}"

    @property
    def advice(self) -> str | None:
        """What to type if many rows are rejected for this reason; None if there is nothing."""
        if self.reason == "invalid_utf8":
            return encoding_advice(self.encoding)
        return _ADVICE.get(self.reason)


def raise_on_reject(reject: Reject) -> None:
    """Stop at the first row that cannot be read (the strict policy).

    Raises:
        CatalogError: always; the message names file, line, byte offset and reason.
    """
    advice = f", or {reject.advice}" if reject.advice else ""
    raise CatalogError(f"{reject}: fix or remove this line{advice}")


def ignore_reject(reject: Reject) -> None:
    """Ignore a row that cannot be read: another pass over the same catalog reports it."""


def rejects_note(count: int, first: str, advice: str | None, files: str) -> str:
    """Return a line about unreadable rows.

    Args:
        count: their number, at least 1.
        first: the first of them, and why it cannot be read.
        advice: what to type if it is the fault of an option.
        files: the rejects files, or an empty string if there are none.
    """
    rows, pronoun = ("row", "it") if count == 1 else ("rows", "them")
    place = f"written to {files}" if files else f"save {pronoun} with `rejects` PATH"
    note = f"{count:,} {rows} could not be read (the first: {first}): {place}"
    return f"{note}; {advice}" if advice else note


def padded_note(count: int, first: str) -> str:
    """Return a line about rows that were padded with nulls.

    Args:
        count: their number, at least 1.
        first: the place and the text of the first of them.
    """
    rows = "row has" if count == 1 else "rows have"
    return (
        f"{count:,} {rows} fewer fields than the header (the first: {first}): the missing cells "
        f"are null"
    )


class RejectsFile:
    """A file of rejects that appears, complete, on `commit`, and only if there are any.

    Attributes:
        path: the file's path or URL; None: rejects are only counted.
        count: the number of rejects so far.
        first: the first reject, if any.
    """

    def __init__(self, path: str | None, temporary: str | None = None) -> None:
        """Remember the paths; the file is opened at the first reject.

        Args:
            path: a path or a URL, or None.
            temporary: the temporary name, as in `files.replacing`.
        """
        self.path = path
        self.count = 0
        self.first: Reject | None = None
        self._temporary = temporary
        self._opened = contextlib.ExitStack()
        self._stream: BinaryIO | None = None

    def add(self, reject: Reject) -> None:
        """Count a reject and, if there is a path, write it; its folder is created if missing.

        Raises:
            CatalogError: the file cannot be written.
        """
        self.count += 1
        self.first = self.first or reject
        if self.path is None:
            return
        with self._errors():
            if self._stream is None:
                location = Location(self.path, Format.JSONL)
                if not location.is_remote and (folder := os.path.dirname(self.path)):
                    make_folder(folder)
                output = open_output(location, force=True, temporary=self._temporary)
                self._stream = self._opened.enter_context(output)
            self._stream.write(reject.as_json())

    def note(self) -> str:
        """Return a line about the rejects, of which there is at least one."""
        assert self.first is not None
        return rejects_note(self.count, str(self.first), self.first.advice, self.path or "")

    def check_is_replaceable(self) -> None:
        """Check that a file under this name is one of an earlier run, before any work is done.

        Raises:
            CatalogError: it is another file.
        """
        assert self.path is not None
        is_filled = os.path.isfile(self.path) and os.path.getsize(self.path)
        if is_filled and not _is_rejects_file(self.path):
            raise CatalogError(f"{self.path} exists: choose another name for `rejects`")

    def commit(self) -> None:
        """Give the file its final name; without rejects, remove the file of an earlier run.

        A file that is not a rejects file stays as it is.

        Raises:
            CatalogError: the file cannot be written.
        """
        with self._errors():
            if self._stream is not None:
                self._opened.close()
            elif self.path is not None:
                with contextlib.suppress(FileNotFoundError):  # removed by another run
                    if _is_rejects_file(self.path):
                        os.unlink(self.path)

    def rollback(self) -> None:
        """Remove the temporary file."""
        with contextlib.suppress(_RolledBackError):
            self._opened.__exit__(_RolledBackError, _RolledBackError(), None)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """Raise errors of the system as a `CatalogError` that names the file."""
        try:
            yield
        except OSError as error:
            raise CatalogError(f"cannot write {self.path}: {reason_of(error)}") from error


def _is_rejects_file(path: str) -> bool:
    """Return whether a file starts with a line as `Reject.as_json` writes it."""
    if not os.path.isfile(path) or is_stream(path):
        return False
    with open(path, "rb") as file:
        return file.readline(len(_FIRST_KEY)) == _FIRST_KEY


class _RolledBackError(Exception):
    """Ends the writing of a file that is to be discarded."""
