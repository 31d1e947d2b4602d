"""Promise: after any signal, sent once or many times, one line and the exit code 128 + signal."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from genre_batch.cli.signals import StoppedBySignal, StopSignals
from genre_batch.model.tagger import MODEL_VARIABLE
from support.places import COMMAND

pytestmark = [pytest.mark.alone, pytest.mark.process]

SIGNALS = [
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGXCPU,
]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("catalog") / "films.csv"
    path.write_text("overview\n" + "".join(f"laugh film {row}\n" for row in range(100)))
    return path


def _started(model: Path, *arguments: object, **options: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
        [COMMAND, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=os.environ | {MODEL_VARIABLE: str(model)},
        **options,
    )


def _wait_until_it_reads(process: subprocess.Popen[bytes], path: Path) -> None:
    """Wait until the process has opened the FIFO, so that it is at work."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            time.sleep(0.02)
        else:
            return
    process.kill()
    pytest.fail("the command does not read")


def _repeat(process: subprocess.Popen[bytes], number: signal.Signals, times: int) -> None:
    for _ in range(times):
        process.send_signal(number)
        time.sleep(0.01)


@pytest.mark.parametrize("times", [1, 10])
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_ends_a_waiting_run_with_one_line(
    tiny_model: Path, tmp_path: Path, number: signal.Signals, times: int
) -> None:
    fifo = tmp_path / "films.csv"
    os.mkfifo(fifo)
    process = _started(tiny_model, "tag", fifo, "-o", tmp_path / "o.csv")
    keep_open = os.open(fifo, os.O_RDWR)
    _wait_until_it_reads(process, fifo)
    time.sleep(0.5)
    _repeat(process, number, times)
    _, stderr = process.communicate(timeout=60)
    os.close(keep_open)
    assert process.returncode == 128 + number
    assert stderr.decode().splitlines() == [
        f"Stopped by {number.name}: no incomplete output was left"
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["films.csv"]


@pytest.mark.parametrize("output", ["-", "o.csv", "o.jsonl", "o.arrow", "o.csv.gz"])
@pytest.mark.parametrize("seconds", [0.3, 0.6, 1.0])
def test_whenever_they_come_there_is_at_most_one_line(
    tiny_model: Path, catalog: Path, tmp_path: Path, output: str, seconds: float
) -> None:
    target = output if output == "-" else tmp_path / output
    process = _started(tiny_model, "tag", catalog, "-o", target)
    time.sleep(seconds)
    _repeat(process, signal.SIGTERM, 12)
    _, stderr = process.communicate(timeout=60)
    lines = stderr.decode().splitlines()
    # SIGTERM may also come before Python has started, or after the end of the run.
    assert (process.returncode, len(lines)) in [(143, 1), (0, 0), (-15, 0)]
    assert all(line.startswith("Stopped by SIGTERM: ") for line in lines)


def test_a_stop_does_not_wait_for_a_reader_of_stdout(tiny_model: Path, tmp_path: Path) -> None:
    many = tmp_path / "many.csv"
    many.write_text("overview\n" + "".join(f"laugh film {row}\n" for row in range(20_000)))
    process = subprocess.Popen(
        [COMMAND, "tag", many],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {MODEL_VARIABLE: str(tiny_model)},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(1)  # the rest fills the pipe
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    assert len(process.stderr.read().splitlines()) == 1
    process.stdout.close()
    process.stderr.close()


def test_a_run_under_nohup_survives_the_end_of_its_terminal(
    tiny_model: Path, tmp_path: Path
) -> None:
    fifo = tmp_path / "films.csv"
    os.mkfifo(fifo)
    process = _started(
        tiny_model,
        "tag",
        fifo,
        "-o",
        tmp_path / "o.csv",
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    with fifo.open("wb") as pipe:
        process.send_signal(signal.SIGHUP)
        pipe.write(b"overview\nlaugh\n")
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (0, b"")


class _Finalized:
    def __del__(self) -> None:
        signal.raise_signal(signal.SIGUSR1)


def test_a_signal_in_a_finalizer_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    signals = StopSignals()
    before = {number: signal.getsignal(number) for number in SIGNALS}
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    signals.install()
    signals.working = True
    try:
        with pytest.raises(StoppedBySignal, match="SIGUSR1"):  # noqa: PT012 - it comes later
            instance = _Finalized()
            del instance
            gc.collect()
            time.sleep(5)
    finally:
        signals.close()
        for number, handler in before.items():
            signal.signal(number, handler)


EARLY = """
import _signal as signal, os, sys  # the module `signal` is imported later

# A shell starts what runs in the background with interrupts ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)

# Whatever Python's start has imported already (a .pth file may) is imported once more.
sys.modules.pop(sys.argv[1], None)
sys.meta_path.insert(0, Finder)
from genre_batch.cli import main
main()
"""


@pytest.mark.parametrize(
    "module", ["genre_batch.cli.command", "signal", "genre_batch.cli.streams", "click"]
)
def test_an_interrupt_during_the_imports_is_one_line(module: str) -> None:
    done = subprocess.run([sys.executable, "-c", EARLY, module], capture_output=True, check=False)
    assert done.returncode == 130
    assert done.stderr == b"Stopped by SIGINT: no incomplete output was left\n"


def test_nothing_is_imported_before_interrupts_are_answered() -> None:
    code = "import sys; before = set(sys.modules); import genre_batch.cli; "
    code += "print(*sorted(set(sys.modules) - before - {'__future__'}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.split() == [b"genre_batch", b"genre_batch.cli", b"genre_batch.cli.main"]


@pytest.mark.parametrize(
    "advice", ["repeat the command with --resume", "run the same command again"]
)
def test_the_line_of_a_command_that_can_go_on_says_how(tmp_path: Path, advice: str) -> None:
    from genre_batch.cli.console import set_stop_message
    from genre_batch.cli.signals import STOP_SIGNALS, last_line

    before = STOP_SIGNALS.outcome
    try:
        set_stop_message(str(tmp_path / "provenance.json"), advice)
        stopped = StoppedBySignal(signal.SIGINT)
        assert last_line(stopped) == "Stopped by SIGINT: nothing was written"
        (tmp_path / "provenance.json").touch()
        assert last_line(stopped) == f"Stopped by SIGINT: to resume, {advice}"
    finally:
        STOP_SIGNALS.outcome = before
