"""Back-translation by Apertium: rules and dictionaries, no weights; from Debian's packages.

Forcada et al. 2011, "Apertium: a free/open-source platform for rule-based machine translation". A
translation mode is a pipeline of small programs, written in a file of the mode's name. They are run
here as that file says, with two things of our own about them:

- Texts go in side by side, each followed by a mark inside a superblank, which the programs hand on
  as it is. Their own null-flush mode (`-z`) does not serve: the perceptron tagger of eng-cat drops
  the nulls, and other programs wait for what comes behind one (Apertium 3.8.3).
- The tagger is started anew for each text: what it met in one text changes how it reads the next.
  So a text's copy depends on that text alone, whatever its batch.
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

from genre_batch.augmentation.translator import check_pivots
from genre_batch.cores import available_cores
from genre_batch.errors import TrainingError, UsageError

__all__ = ["CHAINS", "PACKAGES", "Apertium"]

CHAINS = {
    "es": ("eng-spa", "spa-eng"),
    "ca": ("eng-cat", "cat-eng"),
    "gl": ("en-gl", "gl-en"),
    "es>ca": ("eng-spa", "spa-cat", "cat-eng"),
    "ca>es": ("eng-cat", "cat-spa", "spa-eng"),
}
"""Pivot -> the translation modes to go through, in order."""

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
"""Translation mode -> the Debian package that holds it."""

_DATA = Path("share", "apertium")
"""Where the modes are, seen from the folder of the programs' folder, unless $APERTIUM_DATADIR."""

_TEXTS_PER_PIPELINE = 32
"""Enough for the programs' start, a tenth of a second, to be shared out."""
_PATIENCE_SECONDS = 300.0
"""A pipeline takes a second or two."""

_RESERVED = re.compile(r"[\[\]{}^$/\\@<>]")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_BREAK = re.compile(r"[\r\n]+")
_KEPT_BREAK = re.compile(r"(?<!\\)\[([\r\n]+)\]")
_UNPRINTED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_MARK = re.compile(r"(?<=\[\n)#(\d+)\n\]")
_STAGES = re.compile(r"(.*?)\|\s*(apertium-tagger\b[^|]*)\|(.*)", re.DOTALL)
# What the dictionaries could not decide is left in the answer, by the mark that it begins with: a
# grammatical tag (`<m>`), a second form (`ground/ground`), a form that was not found (`wake# up`).
_LEFT_OVER = {
    "<": re.compile(r"<[^<>]*>"),
    "/": re.compile(r"(?<=\w)/[\w-]+"),
    "#": re.compile(r"(?<=\w)#"),
}
_SPACES = re.compile(r" {2,}")
# A text that ends without its sentence's end gets one, as Apertium's own deformatter gives it.
_ENDS = re.compile(r"[.!?\u2026][\"'\u2019\u201d)\]]*\s*$")
_END = ".[]"
_ENDED = re.compile(r"\s*\.?\s*(?<!\\)\[\]\s*$")


class Apertium:
    """The chains of the installed modes.

    Attributes:
        name, pivots, batch_size: as in `Translator`.
    """

    name = "Apertium"

    def __init__(self, pivots: Sequence[str] = (), workers: int | None = None) -> None:
        """Finds the modes.

        Args:
            pivots: keys of `CHAINS` that are needed; none: those whose modes are installed.
            workers: pipelines at a time; None: the cores this process may use.

        Raises:
            UsageError: Apertium is not installed, or not the modes of a pivot; or no such pivot.
        """
        wanted = check_pivots(pivots, tuple(CHAINS), self.name)
        program = shutil.which("apertium")
        if program is None:
            raise UsageError(f"Apertium is not installed: {_install(wanted)}")
        data = os.environ.get("APERTIUM_DATADIR")
        self._folder = Path(data) if data else Path(program).resolve().parent.parent / _DATA
        missing = {pivot: self._missing(pivot) for pivot in wanted}
        installed = tuple(pivot for pivot in wanted if not missing[pivot])
        lacking = [pivot for pivot in wanted if missing[pivot]]
        if lacking and (pivots or not installed):
            raise UsageError(
                f"Apertium cannot go through {', '.join(lacking)} (no mode "
                f"{missing[lacking[0]][0]} in {self._folder / 'modes'}): {_install(lacking)}"
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
        """Apertium's version, the chain, and a hash of its modes and of every file they read."""
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
        """As in `Translator`; several pipelines side by side."""
        shares = [
            texts[start : start + _TEXTS_PER_PIPELINE]
            for start in range(0, len(texts), _TEXTS_PER_PIPELINE)
        ]
        pool = ThreadPoolExecutor(self._workers)
        try:
            done = list(pool.map(lambda share: self._through(share, CHAINS[pivot]), shares))
        finally:
            pool.shutdown(cancel_futures=True)
        return [copy for share in done for copy in share]

    def _through(self, texts: Sequence[str], modes: Sequence[str]) -> list[str]:
        for mode in modes:
            texts = self._translate(texts, mode)
        return list(texts)

    def _translate(self, texts: Sequence[str], mode: str) -> list[str]:
        """One translation of each text."""
        pipeline = self._mode(mode).read_text(encoding="utf-8").strip()
        stages = _STAGES.fullmatch(pipeline)
        marked = "".join(f"{_escape(text)}[\n#{at}\n]" for at, text in enumerate(texts))
        if stages is not None:
            before, tagger, pipeline = stages.groups()
            words = _split(_run(before, marked, mode), texts, mode)
            tagged = [_run(tagger, f"{text}[\n#{at}\n]", mode) for at, text in enumerate(words)]
            marked = "".join(tagged)
        answers = _split(_run(pipeline, marked, mode), texts, mode)
        return [_unescape(one, text) for one, text in zip(answers, texts, strict=True)]


def _install(pivots: Sequence[str]) -> str:
    packages = dict.fromkeys(PACKAGES[mode] for pivot in pivots for mode in CHAINS[pivot])
    return f"apt-get install {' '.join(packages)}"


def _escape(text: str) -> str:
    """A text as a stream of Apertium's: its own marks escaped, line breaks in superblanks."""
    end = "" if _ENDS.search(text) else _END
    text = _RESERVED.sub(r"\\\g<0>", _UNPRINTED.sub("", text))
    return _BREAK.sub(r"[\g<0>]", text) + end


def _unescape(answer: str, text: str) -> str:
    """The translation of a text out of a stream, without what Apertium left over in it."""
    answer = _KEPT_BREAK.sub(r"\1", _ENDED.sub("", answer))
    answer = _ESCAPED.sub(r"\1", answer)
    for mark, left_over in _LEFT_OVER.items():
        if mark not in text:
            answer = left_over.sub("", answer)
    return _SPACES.sub(" ", answer).strip()


def _split(stream: str, texts: Sequence[str], mode: str) -> list[str]:
    """The texts between the marks.

    Raises:
        TrainingError: a mark is missing or has moved: the texts cannot be told apart.
    """
    pieces = _MARK.split(stream)
    if pieces[1::2] != [str(at) for at in range(len(texts))]:
        raise _died(mode, f"it gave back {len(pieces) // 2} of {len(texts)} texts")
    return [piece.removesuffix("[\n") for piece in pieces[:-1:2]]


def _run(pipeline: str, stream: str, mode: str) -> str:
    """A pipeline's answer to a stream.

    Raises:
        TrainingError: one of its programs failed, or it does not answer.
    """
    # The modes' $1 says how unknown words are written, -n: as they are; $2 is left out.
    command = ["bash", "-o", "pipefail", "-c", pipeline, mode, "-n"]
    environment = os.environ | {"LC_ALL": "C.UTF-8"}
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,  # so that the whole pipeline can be ended
    ) as process:
        try:
            output, said = process.communicate(stream.encode("utf-8"), _PATIENCE_SECONDS)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise _died(mode, f"no answer within {_PATIENCE_SECONDS:.0f} s") from error
            raise
    if process.returncode:
        lines = said.decode("utf-8", "replace").strip().splitlines()
        raise _died(mode, lines[-1] if lines else f"exit code {process.returncode}")
    return output.decode("utf-8", "replace")


def _died(mode: str, reason: str) -> TrainingError:
    return TrainingError(f"Apertium failed on {mode}: {reason}")


def _output_of(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        raise TrainingError(f"Apertium does not answer: {error}") from error
    return done.stdout
