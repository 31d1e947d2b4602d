"""Whether a Ray cluster is still there: its core ends the whole process soon after it is not."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

from genre_batch.cluster.ray_cluster import LostClusterError, Nodes, nodes

__all__ = ["RayWatch", "lost_node_error"]

_SECONDS_BETWEEN_COUNTS = 5.0
_SECONDS_BETWEEN_PROBES = 1.0
_SILENT_SECONDS = 25.0
"""After this long without an answer the head is lost. Ray waits for 60 s, in which a head that is
replaced may come back, and then ends the process without a word of Python's."""


def lost_node_error() -> LostClusterError:
    """Return the error for the death of this machine's node."""
    return LostClusterError(
        "this machine's node of the Ray cluster died: start it again (ray start), or run the "
        "command on another node"
    )


class RayWatch:
    """Asks the head for the nodes in a thread of its own, because that waits if it is gone.

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
        self._probed = time.monotonic()
        self._ended = threading.Event()
        self._count()
        threading.Thread(target=self._keep_counting, daemon=True).start()

    def close(self) -> None:
        """Stop watching."""
        self._ended.set()

    def check(self) -> None:
        """Check that the head responds, and that this machine's node is alive.

        Raises:
            LostClusterError: they do not.
        """
        now = time.monotonic()
        if now - self._answered > _SILENT_SECONDS:
            raise LostClusterError(
                f"the head of the Ray cluster at {self._address} does not answer any more: start "
                f"it again (ray start --head)"
            )
        if now - self._probed < _SECONDS_BETWEEN_PROBES:
            return
        self._probed = now
        try:
            socket.create_connection(self._place, _SECONDS_BETWEEN_PROBES).close()
        except ConnectionRefusedError as error:
            raise lost_node_error() from error
        except OSError:
            pass  # no more files, or a machine that is busy

    def _count(self) -> None:
        self.nodes: Nodes = nodes(self._ray)
        self._answered = time.monotonic()

    def _keep_counting(self) -> None:
        while not self._ended.wait(_SECONDS_BETWEEN_COUNTS):
            try:
                self._count()
            except Exception:
                continue  # no answer


def _place_of_this_node(ray: Any) -> tuple[str, int]:
    """Return the host and port of this machine's node."""
    this = ray.get_runtime_context().get_node_id()
    node = next(node for node in ray.nodes() if node["NodeID"] == this)
    return node["NodeManagerAddress"], node["NodeManagerPort"]
