"""Find a Ray cluster: its address, whether something listens there, and what its nodes have."""

from __future__ import annotations

import os
import re
import socket
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genre_batch.errors import GenreBatchError, GenreBatchWarning, UsageError, counted

__all__ = [
    "LostClusterError",
    "Nodes",
    "asks_for_local",
    "check_capacity",
    "find_address",
    "nodes",
]

_PROBE_SECONDS = 5.0
_HOST_PORT = re.compile(r"\[?([^\[\]/]+)\]?:(\d{1,5})")
_AUTO, _LOCAL = "auto", "local"
_START = "start one (ray start --head)"


class LostClusterError(GenreBatchError):
    """The cluster is gone."""


def _asked(requested: str | None) -> str:
    if requested and requested != _AUTO:
        return requested
    return os.environ.get("RAY_ADDRESS") or _AUTO


def asks_for_local(requested: str | None) -> bool:
    """Return whether a new cluster on this machine is asked for, by the option or the variable."""
    return _asked(requested) == _LOCAL


def find_address(requested: str | None) -> str:
    """Return the address of a cluster: HOST:PORT, or `local` for a new one on this machine.

    Args:
        requested: the option; None: `$RAY_ADDRESS`, then `auto`.

    Raises:
        UsageError: it is not an address.
        GenreBatchError: there is no cluster.
    """
    address = _asked(requested)
    if address == _LOCAL:
        return address
    if address == _AUTO:
        folder = os.environ.get("RAY_TMPDIR") or "/tmp"
        try:
            address = Path(folder, "ray", "ray_current_cluster").read_text().strip()
        except OSError as error:
            raise GenreBatchError(
                f"no Ray cluster on this machine: {_START}, or set `address` to HOST:PORT or local"
            ) from error
    match = _HOST_PORT.fullmatch(address)
    if match is None or not 0 < int(match[2]) < 65536:
        raise UsageError(
            f"`address` must be HOST:PORT of a cluster that this machine belongs to, auto or "
            f"local, got {address!r}"
        )
    _probe(match[1], int(match[2]), address)
    return address


def _probe(host: str, port: int, address: str) -> None:
    """Check that something listens there: Ray itself tries for minutes, and takes no signals."""
    try:
        socket.create_connection((host, port), _PROBE_SECONDS).close()
    except OSError as error:
        raise GenreBatchError(
            f"no Ray cluster at {address} ({error.strerror or error}): {_START}, or set `address`"
        ) from error


@dataclass(frozen=True)
class Nodes:
    """The nodes of a cluster that are alive.

    Attributes:
        count: their number.
        cores: the most cores of one of them.
        memory: the most memory of one of them, in bytes.
    """

    count: int
    cores: int
    memory: int

    def __str__(self) -> str:
        return counted(self.count, "node")


def nodes(ray: Any) -> Nodes:
    """Return what the nodes of the connected cluster have."""
    resources = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return Nodes(
        count=len(resources),
        cores=int(max((each.get("CPU", 0) for each in resources), default=0)),
        memory=int(max((each.get("memory", 0) for each in resources), default=0)),
    )


def check_capacity(found: Nodes, threads: int) -> None:
    """Check that a node has the cores of one part: Ray would wait for such a node for ever.

    A cluster without any core is one whose workers are started as they are needed: there the user
    is only warned.

    Raises:
        UsageError: no node has as many.
    """
    if threads <= found.cores:
        return
    if not found.cores:
        warnings.warn(
            f"no node of the cluster has a core: the run waits until one with {threads} joins",
            GenreBatchWarning,
            stacklevel=2,
        )
        return
    raise UsageError(
        f"`threads` {threads} is more than any node has: the largest has {found.cores}: set "
        f"`threads` to {found.cores} or less"
    )
