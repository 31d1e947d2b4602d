"""Whether a Ray cluster is still there: its core ends the whole process soon after it is not."""

from __future__ import annotations

import threading
import time
from typing import Any

from genre_batch.cluster.ray_cluster import (
    LostClusterError,
    Nodes,
    nodes,
    silent_node_error,
    wait_for_node,
)

__all__ = ["RayWatch", "lost_node_error"]

_SECONDS_BETWEEN_COUNTS = 5.0
_SECONDS_BETWEEN_PROBES = 1.0
_TICK_SECONDS, _LONGEST_TICK = 0.5, 4
"""How often the time is looked at, and how many times as long a machine that is busy may take."""
_SILENT_SECONDS = 25.0
"""After this long without an answer the head, or this machine's node, is lost. Ray waits for 60 s,
in which a head that is replaced may come back, and then ends the process without a word of
Python's."""


def lost_node_error() -> LostClusterError:
    """Return the error for the death of this machine's node."""
    return LostClusterError(
        "this machine's node of the Ray cluster died: start it again (ray start), or run the "
        "command on another node"
    )


class RayWatch:
    """Asks the head and this machine's node in threads, because that waits if they are gone.

    The time of silence is counted in seconds in which this process runs: one that was stopped, as
    by Ctrl-Z, has not asked.

    Attributes:
        nodes: those that are alive, as they were some seconds ago.
    """

    def __init__(self, ray: Any, address: str) -> None:
        """Count the nodes, and start watching.

        Args:
            ray: the module, connected.
            address: names the cluster in messages.
        """
        self._ray = ray
        self._address = address
        self._place = _place_of_this_node(ray)
        self._ended = threading.Event()
        self._seconds = 0.0
        self._node_answered = 0.0
        self._node_refuses = False
        self._count()
        for work in (self._keep_counting, self._keep_probing, self._keep_time):
            threading.Thread(target=work, daemon=True).start()

    def close(self) -> None:
        """Stop watching."""
        self._ended.set()

    def check(self) -> None:
        """Check that the head answers, and that this machine's node is alive.

        Raises:
            LostClusterError: they do not.
        """
        if self._node_refuses:
            raise lost_node_error()
        if self._seconds - self._head_answered > _SILENT_SECONDS:
            raise LostClusterError(
                f"the head of the Ray cluster at {self._address} does not answer any more: start "
                f"it again (ray start --head)"
            )
        if self._seconds - self._node_answered > _SILENT_SECONDS:
            raise silent_node_error()

    def _count(self) -> None:
        self.nodes: Nodes = nodes(self._ray)
        self._head_answered = self._seconds

    def _keep_counting(self) -> None:
        while not self._ended.wait(_SECONDS_BETWEEN_COUNTS):
            try:
                self._count()
            except Exception:
                continue  # no answer

    def _keep_probing(self) -> None:
        while not self._ended.wait(_SECONDS_BETWEEN_PROBES):
            try:
                wait_for_node(self._place)
            except ConnectionRefusedError:
                self._node_refuses = True
                return
            except TimeoutError:
                continue
            except OSError:
                pass  # no more files
            self._node_answered = self._seconds

    def _keep_time(self) -> None:
        before = time.monotonic()
        while not self._ended.wait(_TICK_SECONDS):
            now = time.monotonic()
            self._seconds += min(now - before, _LONGEST_TICK * _TICK_SECONDS)
            before = now


def _place_of_this_node(ray: Any) -> tuple[str, int]:
    """Return the host and port of this machine's node."""
    this = ray.get_runtime_context().get_node_id()
    node = next(node for node in ray.nodes() if node["NodeID"] == this)
    return node["NodeManagerAddress"], node["NodeManagerPort"]
