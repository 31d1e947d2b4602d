"""cluster/ray_connection.py: a cluster that refuses, or never answers, is one line in time."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from genre_batch.cluster import ray_connection
from genre_batch.cluster.core_messages import without_core_messages
from genre_batch.cluster.ray_cluster import asks_for_local, find_address
from genre_batch.cluster.ray_connection import RayConnection
from genre_batch.errors import GenreBatchError, UsageError
from support.ray_cluster import ray_cluster

ray: Any = pytest.importorskip("ray")


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Accept connections, as the system does for a listening process that has stopped."""
    with socket.create_server(("127.0.0.1", 0), backlog=1_000) as server:
        yield server


def _address(listener: socket.socket) -> str:
    return f"127.0.0.1:{listener.getsockname()[1]}"


def _init(monkeypatch: pytest.MonkeyPatch, init: Any) -> None:
    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray_connection, "find_address", lambda requested: requested)
    monkeypatch.setattr(ray_connection, "check_node", lambda address: None)


@pytest.mark.parametrize(
    ("address", "error", "message"),
    [
        (
            "local",
            Exception("The current node timed out"),
            "Ray did not start on this machine: The",
        ),
        ("local", ValueError("no room in /dev/shm"), "run the same command again when"),
        ("h:1", Exception("odd"), "cannot connect to the Ray cluster at h:1: odd: run the command"),
        ("h:1", ConnectionError("no"), "the Ray cluster at h:1 refused the connection: if it asks"),
        ("h:1", SystemExit(1), "cannot connect to the Ray cluster at h:1: 1: run the command"),
        ("h:1", RuntimeError("Version mismatch: 2.1 and 2.2"), "2.2: install the same Ray and Pyt"),
    ],
)
def test_a_cluster_that_does_not_start_is_one_line(
    monkeypatch: pytest.MonkeyPatch, address: str, error: BaseException, message: str
) -> None:
    def init(**options: object) -> None:
        raise error

    _init(monkeypatch, init)
    with RayConnection(address, 1) as connection, pytest.raises(GenreBatchError, match=message):
        connection.wait()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("h:1", r"run the command on a node of the cluster \(ray start --address=h:1\)"),
        ("127.0.0.3:1", "set RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0 if its nodes were started with"),
        ("[::1]:1", "set RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0"),
        ("local", "Ray did not start on this machine: it is not up after 0 seconds"),
    ],
)
def test_a_cluster_that_never_answers_says_what_to_type(
    monkeypatch: pytest.MonkeyPatch, address: str, message: str
) -> None:
    _init(monkeypatch, lambda **options: time.sleep(0.5))
    monkeypatch.setattr(ray_connection, "_CONNECT_SECONDS", 0.1)
    monkeypatch.setattr(ray_connection, "_START_SECONDS", 0.1)
    with RayConnection(address, 1) as connection, pytest.raises(GenreBatchError, match=message):
        connection.wait()


def test_messages_of_ray_are_one_plain_line_and_not_about_what_is_written_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _init(monkeypatch, lambda **options: None)
    monkeypatch.setattr(RayConnection, "_start_workers", lambda *arguments: None)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    with RayConnection("h:1", 1) as connection:
        connection.wait()
        for text in (
            "The node 0e00 has been marked dead",
            "A worker died or was killed while executing a task by an unexpected system error.\n-",
            "Task run_part failed. There are 5 retries remaining, so the task will be retried.\n-",
            "Task run_part failed. There are infinite oom retries remaining, so the task will be",
            "2 Workers (tasks / actors) killed due to memory pressure (OOM), 0 Workers crashed",
            "The cluster is full:\nadd a node\nor wait",
        ):
            sys.stdout.write(f"\x1b[33m(raylet)\x1b[0m {text}")
    output, errors = capsys.readouterr()
    assert (output, errors) == ("", "(raylet) The cluster is full:\n")


def test_the_last_messages_of_the_core_of_ray_are_left_out(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def shutdown() -> None:
        # As the core writes it when tasks still run.
        os.write(2, b"[2026-11-27 03:32:59,601 E 893 924] task_manager.cc:1545: Failed to push\n")
        os.write(2, b"[2026-11-27] a line of another thread\n")

    _init(monkeypatch, lambda **options: None)
    monkeypatch.setattr(RayConnection, "_start_workers", lambda *arguments: None)
    monkeypatch.setattr(ray, "shutdown", shutdown)
    with RayConnection("h:1", 1) as connection:
        connection.wait()
    os.write(2, b"later\n")
    assert capfd.readouterr() == ("", "[2026-11-27] a line of another thread\nlater\n")


def test_a_full_disk_holds_nothing_back(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with without_core_messages():
        os.write(2, b"a line\n")
    assert capfd.readouterr().err == "a line\n"


def test_a_process_without_stderr_disconnects() -> None:
    code = (
        "from genre_batch.cluster.core_messages import without_core_messages\n"
        "with without_core_messages():\n"
        "    print(1)\n"
    )
    command = [sys.executable, "-c", code]
    closed = subprocess.run(["sh", "-c", 'exec "$0" "$@" 2>&-', *command], capture_output=True)
    assert (closed.returncode, closed.stdout) == (0, b"1\n")


@pytest.mark.parametrize("address", ["nowhere", "h:0", "h:65536", "h:x", "ray://h:1", "h:1/x", ":"])
def test_what_is_not_an_address_is_refused(address: str) -> None:
    with RayConnection(address, 1) as connection, pytest.raises(UsageError, match="HOST:PORT"):
        connection.wait()


@pytest.mark.parametrize("address", [None, "", "auto"])
def test_the_variable_may_ask_for_a_new_cluster(
    monkeypatch: pytest.MonkeyPatch, address: str | None
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "local")
    assert asks_for_local(address)
    assert find_address(address) == "local"


def test_an_error_of_the_job_does_not_wait_for_a_cluster_that_never_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _init(monkeypatch, lambda **options: time.sleep(2))
    began = time.monotonic()
    with pytest.raises(KeyError), RayConnection("h:1", 1):
        raise KeyError
    assert time.monotonic() - began < 1.5


def _start(address: str, folder: Path, seconds: float) -> subprocess.Popen[str]:
    Path(folder, "in.csv").write_text("id,overview\n1,laugh\n")
    code = (
        "from genre_batch.cluster import ray_connection\n"
        f"ray_connection._CONNECT_SECONDS = {seconds}\n"
        "from genre_batch.cli import main\n"
        "main()\n"
    )
    options = ["tag", "in.csv", "-o", "out/", "--engine", "ray", "--address", address]
    return subprocess.Popen(
        [sys.executable, "-c", code, *options],
        cwd=folder,
        env=os.environ | {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.cluster
@pytest.mark.process
@pytest.mark.slow
@pytest.mark.usefixtures("default_model")
def test_a_port_where_nothing_ever_answers_is_one_line(
    listener: socket.socket, tmp_path: Path
) -> None:
    # Long enough for Ray's core to say that it has waited for five seconds.
    run = _start(_address(listener), tmp_path, 8)
    output, errors = run.communicate(timeout=60)
    assert (run.returncode, output) == (1, "")
    assert errors == (
        f"Error: the Ray cluster at {_address(listener)} accepts connections, but does not answer "
        "within 8 seconds: set RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0 if its nodes were started with "
        "it, or restart it (ray start --head)\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


@pytest.mark.cluster
@pytest.mark.process
@pytest.mark.usefixtures("default_model")
def test_a_signal_ends_the_wait_for_a_cluster(listener: socket.socket, tmp_path: Path) -> None:
    run = _start(_address(listener), tmp_path, 30)
    listener.accept()[0].close()  # the probe
    with listener.accept()[0]:  # Ray
        run.send_signal(signal.SIGTERM)
        output, errors = run.communicate(timeout=60)
    assert (run.returncode, output) == (143, "")
    assert errors == "Stopped by SIGTERM: no incomplete output was left\n"


_LONG_TASK = """
import sys, time
from genre_batch.cluster.ray_connection import RayConnection

def rest():
    time.sleep(30)

with RayConnection(sys.argv[1], 1) as connection:
    ray, _ = connection.wait()
    ray.get(ray.remote(rest).options(max_retries=0).remote())
"""


@pytest.mark.cluster
@pytest.mark.process
def test_a_long_part_ends_on_nodes_with_the_settings_of_ray() -> None:
    own = "RAY_grpc_client_keepalive_time_ms", "RAY_grpc_client_keepalive_timeout_ms"
    with ray_cluster(1, **dict(zip(own, ("300000", "120000"), strict=True))) as cluster:
        environment = os.environ | dict(cluster.environment)
        for name in own:
            del environment[name]
        command = [sys.executable, "-c", _LONG_TASK, cluster.address]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
