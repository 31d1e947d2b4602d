"""A Ray cluster of two nodes on loopback, in a process that ends when its stdin closes.

Run as a script it prints one line of JSON: the address, and the process of each node's raylet.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["RayCluster", "ray_cluster"]

_LOOPBACK = "127.0.0.1"
_ATTEMPTS = 5


@dataclass(frozen=True)
class RayCluster:
    """A running cluster.

    Attributes:
        address: HOST:PORT.
        environment: what a driver needs.
        raylets: the process id of each node's raylet; the first node is the head.
        manager: the process that runs it; a line of JSON on its stdin adds a node.
    """

    address: str
    environment: Mapping[str, str]
    raylets: list[int]
    manager: subprocess.Popen[str]

    def add_node(self) -> int:
        """Add a node; return the process id of its raylet."""
        assert self.manager.stdin is not None
        assert self.manager.stdout is not None
        self.manager.stdin.write("add\n")
        self.manager.stdin.flush()
        raylet = int(self.manager.stdout.readline())
        self.raylets.append(raylet)
        return raylet


@contextlib.contextmanager
def ray_cluster(nodes: int = 2, **variables: str) -> Iterator[RayCluster]:
    """Start a cluster of nodes with one core each; end it on exit.

    Args:
        nodes: their number.
        variables: environment variables of the nodes and of drivers.
    """
    # Short: the path of a socket below it has at most 107 bytes.
    folder = tempfile.mkdtemp(prefix="gbr", dir="/tmp")
    environment = {
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_AUTH_MODE": "disabled",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_TMPDIR": folder,
        "RAY_raylet_start_wait_time_s": "120",
        "RAY_grpc_client_keepalive_time_ms": "5000",
        "RAY_grpc_client_keepalive_timeout_ms": "5000",
        **variables,
    }
    with open(Path(folder, "log"), "wb") as log:
        manager = subprocess.Popen(
            [sys.executable, __file__, str(nodes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=os.environ | environment,
            start_new_session=True,
        )
    assert manager.stdin is not None
    assert manager.stdout is not None
    try:
        line = manager.stdout.readline()
        assert line, Path(folder, "log").read_text(errors="replace")[-2000:]
        values = json.loads(line)
        yield RayCluster(values["address"], environment, values["raylets"], manager)
    finally:
        manager.stdin.close()
        try:
            manager.wait(30)
        except subprocess.TimeoutExpired:
            manager.kill()
            manager.wait(10)
        manager.stdout.close()
        shutil.rmtree(folder, ignore_errors=True)


def _raylet(node: Any) -> int:
    return int(node.all_processes["raylet"][0].process.pid)


def _serve(count: int) -> None:
    from ray.cluster_utils import Cluster

    common: dict[str, Any] = {
        "num_cpus": 1,
        "node_ip_address": _LOOPBACK,
        "object_store_memory": 100 << 20,
    }
    out, sys.stdout = sys.stdout, sys.stderr
    cluster = Cluster(initialize_head=True, head_node_args={**common, "include_dashboard": False})
    nodes = [cluster.head_node, *(cluster.add_node(**common) for _ in range(count - 1))]
    values = {"address": cluster.address, "raylets": [_raylet(node) for node in nodes]}
    print(json.dumps(values), file=out, flush=True)
    for _ in sys.stdin:
        for attempt in range(_ATTEMPTS):
            try:
                raylet = _raylet(cluster.add_node(**common))
                break
            except Exception:  # too slow, on a busy machine
                if attempt + 1 == _ATTEMPTS:
                    raise
        print(raylet, file=out, flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
