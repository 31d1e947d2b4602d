"""Back-translation by Apertium, a rule-based translator in Debian's packages.

Forcada et al. 2011, "Apertium: a free/open-source platform for rule-based machine translation". A
translation mode is a pipeline of small programs, defined in a file named after the mode. This
module runs the pipeline of that file, with two changes:

- Texts are concatenated, each followed by a mark inside a superblank, which the programs pass
  through unchanged. Their own null-flush mode (`-z`) does not work: the perceptron tagger of
  eng-cat drops the nulls, and other programs wait for the input after one (Apertium 3.8.3).
- The tagger is restarted for each text, because its state after one text changes how it reads the
  next. So the copy of a text depends on that text alone, not on its batch.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from genre_batch.augmentation.translator import select_pivots
from genre_batch.cores import available_cores
from genre_batch.errors import TrainingError, UsageError
from genre_batch.failures import reason_of

__all__ = ["CHAINS", "PACKAGES", "Apertium"]

CHAINS = {
    "es": ("eng-spa", "spa-eng"),
    "ca": ("eng-cat", "cat-eng"),
    "gl": ("en-gl", "gl-en"),
    "es>ca": ("eng-spa", "spa-cat", "cat-eng"),
    "ca>es": ("eng-cat", "cat-spa", "spa-eng"),
}
"""Pivot -> the translation modes to apply, in order."""

PACKAGES = {
    "eng-spa": "apertium-eng-spa",
    "spa-eng": "apertium-eng-spa",
    "eng-cat": "apertium-eng-cat",
    "cat-eng": "apertium-eng-cat",
    "en-gl": "apertium-en-gl",
    "gl-en": "apertium-en-gl",
    "spa-cat": "apertium-spa-cat",
    "cat-spa": "apertium-spa-cat",
}
"""Translation mode -> the Debian package that contains it."""

_DATA = Path("share", "apertium")
"""The folder of the modes, relative to the parent of the programs' folder; $APERTIUM_DATADIR
overrides it."""

_TEXTS_PER_PIPELINE = 32
"""Enough to amortize the start of the programs, a tenth of a second."""
_TIMEOUT_SECONDS = 300.0
"""A pipeline normally takes a second or two."""

_RESERVED = re.compile(r"[\[\]{}^$/\\@<>]")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_BREAK = re.compile(r"[\r\n]+")
_ESCAPED_BREAK = re.compile(r"(?<!\\)\[([\r\n]+)\]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_MARK = re.compile(r"(?<=\[\n)#(\d+)\n\]")
_STAGES = re.compile(r"(.*?)\|\s*(apertium-tagger\b[^|]*)\|(.*)", re.DOTALL)
# Marks that stay in the output where the dictionaries are ambiguous or incomplete: a grammatical
# tag (`<m>`), a second form (`ground/ground`), a form that was not found (`wake# up`).
_LEFTOVERS = {
    "<": re.compile(r"<[^<>]*>"),
    "/": re.compile(r"(?<=\w)/[\w-]+"),
    "#": re.compile(r"(?<=\w)#"),
}
_SPACES = re.compile(r" {2,}")
# A text without a final punctuation mark gets one, as from Apertium's own deformatter.
_HAS_END = re.compile(r"[.!?\u2026][\"'\u2019\u201d)\]]*\s*$")
_END = ".[]"
_ADDED_END = re.compile(r"(?<!\s)(?:\s*+\.)?+\s*+(?<!\\)\[\]\s*+$")


class Apertium:
    """Translate through the chains of the installed modes.

    Attributes:
        name, pivots, batch_size: as in `Translator`.
    """

    name = "Apertium"

    def __init__(self, pivots: Sequence[str] = (), workers: int | None = None) -> None:
        """Find the modes.

        Args:
            pivots: keys of `CHAINS`; empty: those whose modes are installed.
            workers: the number of parallel pipelines; None: the cores this process may use.

        Raises:
            UsageError: Apertium or the modes of a pivot are not installed, or a pivot is unknown.
        """
        selected = select_pivots(pivots, tuple(CHAINS), self.name)
        program = shutil.which("apertium")
        if program is None:
            raise UsageError(f"Apertium is not installed: {_install_command(selected)}")
        data = os.environ.get("APERTIUM_DATADIR")
        self._folder = Path(data) if data else Path(program).resolve().parent.parent / _DATA
        missing = {pivot: self._missing(pivot) for pivot in selected}
        installed = tuple(pivot for pivot in selected if not missing[pivot])
        unavailable = [pivot for pivot in selected if missing[pivot]]
        if unavailable and (pivots or not installed):
            raise UsageError(
                f"Apertium lacks modes for {', '.join(unavailable)} (no "
                f"{missing[unavailable[0]][0]} in {self._folder / 'modes'}): "
                f"{_install_command(unavailable)}"
            )
        self.pivots = installed
        self._workers = workers or available_cores()
        self.batch_size = _TEXTS_PER_PIPELINE * self._workers
        self._version = _output_of([program, "-V"]).strip()
        self._identities: dict[str, str] = {}

    def _mode(self, name: str) -> Path:
        return self._folder / "modes" / f"{name}.mode"

    def _missing(self, pivot: str) -> list[str]:
        return [mode for mode in CHAINS[pivot] if not self._mode(mode).is_file()]

    def identity(self, pivot: str) -> str:
        """Return Apertium's version, the chain, and a hash of its modes and the files they read."""
        if pivot not in self._identities:
            digest = hashlib.sha256()
            for mode in CHAINS[pivot]:
                text = self._mode(mode).read_text(encoding="utf-8")
                digest.update(text.encode("utf-8"))
                for name in re.findall(r"'([^']+)'", text):
                    with contextlib.suppress(OSError), open(name, "rb") as file:
                        digest.update(hashlib.file_digest(file, "sha256").digest())
            chain = " ".join(CHAINS[pivot])
            self._identities[pivot] = f"{self._version}; {chain}; {digest.hexdigest()[:16]}"
        return self._identities[pivot]

    def back_translate(self, texts: Sequence[str], pivot: str) -> list[str]:
        """Translate as `Translator` describes, with several parallel pipelines."""
        batches = [
            texts[start : start + _TEXTS_PER_PIPELINE]
            for start in range(0, len(texts), _TEXTS_PER_PIPELINE)
        ]
        pool = ThreadPoolExecutor(self._workers)
        try:
            translated = list(
                pool.map(lambda batch: self._translate_through(batch, CHAINS[pivot]), batches)
            )
        finally:
            pool.shutdown(cancel_futures=True)
        return [copy for batch in translated for copy in batch]

    def _translate_through(self, texts: Sequence[str], modes: Sequence[str]) -> list[str]:
        for mode in modes:
            texts = self._translate(texts, mode)
        return list(texts)

    def _translate(self, texts: Sequence[str], mode: str) -> list[str]:
        """Translate texts with one mode."""
        pipeline = self._mode(mode).read_text(encoding="utf-8").strip()
        stages = _STAGES.fullmatch(pipeline)
        stream = "".join(_marked(_escape(text), index) for index, text in enumerate(texts))
        if stages is not None:
            before, tagger, pipeline = stages.groups()
            analyses = _split(_run(before, stream, mode), len(texts), mode)
            stream = "".join(
                _run(tagger, _marked(analysis, index), mode)
                for index, analysis in enumerate(analyses)
            )
        translations = _split(_run(pipeline, stream, mode), len(texts), mode)
        return [
            _unescape(translation, text)
            for translation, text in zip(translations, texts, strict=True)
        ]


def _install_command(pivots: Sequence[str]) -> str:
    packages = dict.fromkeys(PACKAGES[mode] for pivot in pivots for mode in CHAINS[pivot])
    return f"apt-get install {' '.join(packages)}"


def _escape(text: str) -> str:
    """Convert a text to Apertium's stream format, with escaped marks and line breaks."""
    end = "" if _HAS_END.search(text) else _END
    text = _RESERVED.sub(r"\\\g<0>", _CONTROL.sub("", text))
    return _BREAK.sub(r"[\g<0>]", text) + end


def _marked(text: str, index: int) -> str:
    """Append the mark by which `_split` finds the end of a text."""
    return f"{text}[\n#{index}\n]"


def _unescape(translation: str, text: str) -> str:
    """Convert a translation from the stream format to plain text, without Apertium's marks."""
    translation = _ESCAPED_BREAK.sub(r"\1", _ADDED_END.sub("", translation))
    translation = _ESCAPED.sub(r"\1", translation)
    for mark, leftover in _LEFTOVERS.items():
        if mark not in text:
            translation = leftover.sub("", translation)
    return _SPACES.sub(" ", translation).strip()


def _split(stream: str, count: int, mode: str) -> list[str]:
    """Split a stream at its marks.

    Args:
        stream: the output of a program.
        count: the number of texts that it must contain.
        mode: the translation mode, for the message.

    Raises:
        TrainingError: a mark is missing or out of order, so the texts cannot be separated.
    """
    pieces = _MARK.split(stream)
    if pieces[1::2] != [str(index) for index in range(count)]:
        raise _failure(mode, f"it returned {len(pieces) // 2} of {count} texts")
    return [piece.removesuffix("[\n") for piece in pieces[:-1:2]]


def _run(pipeline: str, stream: str, mode: str) -> str:
    """Run a shell pipeline on a stream and return its output.

    Raises:
        TrainingError: one of its programs failed or did not finish in time.
    """
    # $1 of the modes is the option for unknown words, -n: unchanged; $2 is not used.
    command = ["bash", "-o", "pipefail", "-c", pipeline, mode, "-n"]
    environment = os.environ | {"LC_ALL": "C.UTF-8"}
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,  # so that the whole pipeline can be killed
    ) as process:
        try:
            output, errors = process.communicate(stream.encode("utf-8"), _TIMEOUT_SECONDS)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise _failure(mode, f"no output within {_TIMEOUT_SECONDS:.0f} s") from error
            raise
    if process.returncode:
        lines = errors.decode("utf-8", "replace").strip().splitlines()
        raise _failure(mode, lines[-1] if lines else f"exit code {process.returncode}")
    return output.decode("utf-8", "replace")


def _failure(mode: str, reason: str) -> TrainingError:
    return TrainingError(
        f"Apertium failed on {mode}: {reason}: run the same command again, or leave this language "
        f"out of `pivots`"
    )


def _output_of(command: Sequence[str]) -> str:
    try:
        process = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        raise TrainingError(
            f"cannot run {command[0]}: {reason_of(error)}: install Apertium again"
        ) from error
    return process.stdout
