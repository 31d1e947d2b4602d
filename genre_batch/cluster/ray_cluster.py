"""Find a Ray cluster: its address, whether something listens there, and what its nodes have."""

from __future__ import annotations

import importlib
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
    "check_node",
    "find_address",
    "nodes",
    "silent_node_error",
    "wait_for_node",
]

_PROBE_SECONDS = 5.0
_NODE_PROBES = 4
_HOST_PORT = re.compile(r"\[?([^\[\]/]+)\]?:(\d{1,5})")
_AUTO, _LOCAL = "auto", "local"
_START = "start one (ray start --head)"


class LostClusterError(GenreBatchError):
    """The cluster is gone."""


def _asked(requested: str | None) -> str:
    if requested and requested != _AUTO:
        return requested
    return os.environ.get("RAY_ADDRESS") or _AUTO


def silent_node_error() -> LostClusterError:
    """Return the error for a node of this machine that listens, but does not answer."""
    return LostClusterError(
        "this machine's node of the Ray cluster does not answer: start it again (ray stop, ray "
        "start), or run the command on another node"
    )


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


def wait_for_node(place: tuple[str, int]) -> None:
    """Wait for the first byte of a node: the system accepts connections for a frozen process too.

    A server of gRPC begins every connection with its settings, unless it waits for those of TLS.

    Args:
        place: its host and port.

    Raises:
        ConnectionRefusedError: nothing listens there.
        TimeoutError: it does not answer within some seconds.
        OSError: it cannot be told.
    """
    with socket.create_connection(place, _PROBE_SECONDS) as connection:
        if os.environ.get("RAY_USE_TLS", "0").lower() not in ("1", "true"):
            connection.recv(1)


def check_node(address: str) -> None:
    """Check that this machine's node answers: Ray's core ends the process if it does not.

    Args:
        address: HOST:PORT of the head.

    Raises:
        LostClusterError: it does not answer within 20 s.
    """
    places = _places_here(address)
    for place in places * _NODE_PROBES:
        try:
            wait_for_node(place)
            return
        except TimeoutError:
            continue
        except OSError:
            return  # Ray says what it is
    if places:
        raise silent_node_error()


def _places_here(address: str) -> list[tuple[str, int]]:
    """Return the hosts and ports of a cluster's nodes on this machine that Ray may connect to."""
    try:
        core: Any = importlib.import_module("ray._raylet")
        known = core.GcsClient(address=address).get_all_node_info(timeout=_PROBE_SECONDS).values()
        here = [node for node in known if not node.state and _is_here(node.node_manager_address)]
        # Ray prefers the head.
        chosen = [node for node in here if node.is_head_node] or here
        return [(node.node_manager_address, node.node_manager_port) for node in chosen]
    except Exception:  # another version of Ray, a token that is wrong: to connect says more
        return []


def _is_here(host: str) -> bool:
    """Return whether an address is one of this machine."""
    try:
        family = socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM)[0][0]
        with socket.socket(family, socket.SOCK_DGRAM) as trial:
            trial.bind((host, 0))
    except OSError:
        return False
    return True


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
