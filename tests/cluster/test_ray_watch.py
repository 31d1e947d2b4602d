"""cluster/ray_watch.py: a lost cluster is one line, before Ray's core ends the process."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from genre_batch.cluster import ray_cluster, ray_watch
from genre_batch.cluster.ray_cluster import LostClusterError
from genre_batch.cluster.ray_watch import RayWatch
from genre_batch.model.tagger import MODEL_VARIABLE
from support.places import COMMAND
from support.processes import processes_below, workers_below
from support.ray_cluster import ray_cluster as started_cluster


class _Context:
    def get_node_id(self) -> str:
        return "here"


class _Ray:
    """What a watch needs of Ray; it answers as long as it is told to."""

    def __init__(self, port: int) -> None:
        self.answers = True
        self._port = port

    def get_runtime_context(self) -> _Context:
        return _Context()

    def nodes(self) -> list[dict[str, Any]]:
        if not self.answers:
            raise RuntimeError("no answer")
        node = {"NodeManagerAddress": "127.0.0.1", "NodeManagerPort": self._port, "Alive": True}
        return [{"NodeID": "here", "Resources": {"CPU": 2.0}} | node]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_watch, "_SECONDS_BETWEEN_COUNTS", 0.01)
    monkeypatch.setattr(ray_watch, "_SECONDS_BETWEEN_PROBES", 0.01)
    monkeypatch.setattr(ray_cluster, "_PROBE_SECONDS", 0.05)
    monkeypatch.setattr(ray_watch, "_TICK_SECONDS", 0.01)
    monkeypatch.setattr(ray_watch, "_SILENT_SECONDS", 0.5)


class _Node(socketserver.BaseRequestHandler):
    """A node: it begins a connection, unless it is frozen."""

    frozen = False

    def handle(self) -> None:
        if not self.frozen:
            self.request.sendall(b"settings")
        else:
            time.sleep(0.1)


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Iterator[socketserver.ThreadingTCPServer]:
    monkeypatch.setattr(_Node, "frozen", False)
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Node) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _check_for(watch: RayWatch, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        watch.check()
        time.sleep(0.02)


def test_a_cluster_that_answers_is_not_lost(node: socketserver.TCPServer) -> None:
    watch = RayWatch(_Ray(node.server_address[1]), "head:6379")
    _check_for(watch, 0.8)
    assert (watch.nodes.count, watch.nodes.cores) == (1, 2)
    watch.close()


def test_a_head_that_does_not_answer_for_long_is_lost(node: socketserver.TCPServer) -> None:
    ray = _Ray(node.server_address[1])
    watch = RayWatch(ray, "head:6379")
    ray.answers = False
    _check_for(watch, 0.2)
    ray.answers = True
    _check_for(watch, 0.8)
    ray.answers = False
    with pytest.raises(LostClusterError, match="the head of the Ray cluster at head:6379 does not"):
        _check_for(watch, 5)
    watch.close()


def test_a_node_that_accepts_connections_but_is_frozen_is_lost(
    node: socketserver.TCPServer,
) -> None:
    watch = RayWatch(_Ray(node.server_address[1]), "head:6379")
    _Node.frozen = True
    with pytest.raises(LostClusterError, match="this machine's node of the Ray cluster does not"):
        _check_for(watch, 5)
    watch.close()


def test_a_process_that_was_stopped_has_not_waited(
    node: socketserver.TCPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = RayWatch(_Ray(node.server_address[1]), "head:6379")
    now = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: now() + 3_600)
    _check_for(watch, 0.3)
    watch.close()


def test_a_node_that_refuses_connections_is_dead() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    watch = RayWatch(_Ray(port), "head:6379")
    with pytest.raises(LostClusterError, match="this machine's node of the Ray cluster died"):
        _check_for(watch, 5)
    watch.close()


@pytest.mark.cluster
@pytest.mark.process
@pytest.mark.slow
@pytest.mark.parametrize(
    ("victim", "sent", "message"),
    [
        (
            "raylet",
            signal.SIGKILL,
            "Error: this machine's node of the Ray cluster died: start it again (ray start)",
        ),
        ("gcs_server", signal.SIGKILL, "Error: the head of the Ray cluster at 127.0.0.1:"),
        ("raylet", signal.SIGSTOP, "Error: this machine's node of the Ray cluster does not answer"),
    ],
)
def test_the_death_of_a_head_is_one_line_that_says_how_to_go_on(
    tmp_path: Path, tiny_model: Path, victim: str, sent: signal.Signals, message: str
) -> None:
    pytest.importorskip("ray")
    (tmp_path / "in").mkdir()
    table = pl.DataFrame({"overview": [f"laugh row {row}" for row in range(20_000)]})
    for part in range(30):
        table.write_parquet(tmp_path / "in" / f"{part:02}.parquet")
    with started_cluster(1) as cluster:
        variables = {"RAY_ADDRESS": cluster.address, MODEL_VARIABLE: str(tiny_model)}
        run = subprocess.Popen(
            [COMMAND, "tag", "in", "-o", "out/", "--engine", "ray"],
            cwd=tmp_path,
            env=os.environ | dict(cluster.environment) | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        while not [*tmp_path.glob("out.genre-batch/parts/*.json")]:
            assert run.poll() is None
            time.sleep(0.05)
        # The node's only worker stands still: no machine is fast enough to end the run before it
        # finds out.
        while not (workers := workers_below(cluster.raylets)):
            assert run.poll() is None
            time.sleep(0.01)
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        victims = processes_below(cluster.manager.pid, victim)
        for pid in victims:
            os.kill(pid, sent)
        output, errors = run.communicate(timeout=60)
        for pid in (*workers, *victims):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    assert (run.returncode, output) == (1, ""), errors
    # Ray's core may write lines of its own.
    [line] = [line for line in errors.splitlines() if not line.startswith("[")]
    assert line.startswith(message), errors
    assert line.endswith("of 30 parts are done: run the same command again to resume"), errors
