"""Reach a Ray cluster: find its address, probe it, connect, and see what its nodes have."""

from __future__ import annotations

import atexit
import contextlib
import io
import logging
import os
import re
import socket
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genre_batch.cores import available_cores
from genre_batch.errors import GenreBatchError, GenreBatchWarning, UsageError, counted

__all__ = ["LostClusterError", "Nodes", "check_capacity", "connected", "find_address", "nodes"]

_SETTINGS = {
    # A node that is frozen, not dead, stalls the driver for seven minutes with gRPC's defaults.
    "RAY_grpc_client_keepalive_time_ms": "5000",
    "RAY_grpc_client_keepalive_timeout_ms": "5000",
    # `uv run` would give workers an environment of their own.
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_DEDUP_LOGS": "0",
}
"""Read when ray is imported; what the user has set stays."""

_PROBE_SECONDS = 5.0
_OBJECT_STORE_BYTES = 100 << 20
"""For the model; rows do not go through Ray."""
_HOST_PORT = re.compile(r"\[?([^\[\]/]+)\]?:(\d{1,5})")
_DEATHS = ("Raylet is terminated", "marked dead")
_START = "start one (ray start --head)"


class _Notices(io.TextIOBase):
    """A stream for what Ray prints: the first lines go to stderr, news of dead nodes nowhere.

    Ray writes their parts elsewhere, or the run ends with an error.
    """

    def write(self, text: str) -> int:
        """Write the first line of a message, which may have a hundred."""
        line = text.partition("\n")[0]
        if line.strip() and not any(words in text for words in _DEATHS):
            sys.stderr.write(f"{line}\n")
        return len(text)

    def flush(self) -> None:
        """Flush stderr."""
        sys.stderr.flush()


class LostClusterError(GenreBatchError):
    """The cluster is gone."""


def find_address(requested: str | None) -> str:
    """Return the address of a cluster: HOST:PORT, or `local` for a new one on this machine.

    Args:
        requested: the option; None: `$RAY_ADDRESS`, then `auto`.

    Raises:
        UsageError: it is not an address.
        GenreBatchError: there is no cluster.
    """
    address = requested or os.environ.get("RAY_ADDRESS") or "auto"
    if address == "local":
        return address
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS", "auto")
    if address == "auto":
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


@contextlib.contextmanager
def connected(address: str) -> Iterator[Any]:
    """Connect to a cluster; yield the module ray.

    A connection that the process has already is used, and stays.

    Raises:
        GenreBatchError: the cluster refuses, or is of another version.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    with contextlib.redirect_stdout(_Notices()):  # stdout is for data
        with warnings.catch_warnings():
            # Ray warns of its own plans; what concerns the user comes as an error.
            warnings.simplefilter("ignore")
            import ray

            is_ours = not ray.is_initialized()
            if is_ours:
                _connect(ray, address)
        is_lost = False
        try:
            yield ray
        except LostClusterError:
            is_lost = True
            raise
        finally:
            # To disconnect waits for what is gone, also as Python exits.
            if is_lost:
                atexit.unregister(ray.shutdown)
            elif is_ours:
                ray.shutdown()


def _connect(ray: Any, address: str) -> None:
    options: dict[str, Any] = {"address": address}
    if address == "local":
        options |= {
            "num_cpus": available_cores(),
            "include_dashboard": False,
            "object_store_memory": _OBJECT_STORE_BYTES,
        }
    try:
        ray.init(**options, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray raises bare ones too
        raise GenreBatchError(_refusal(address, error)) from error


def _refusal(address: str, error: Exception) -> str:
    """Return why a cluster that listens cannot be used."""
    text = " ".join(str(error).split())
    if address == "local":
        return (
            f"Ray did not start on this machine: {text[:300]}: run the same command again when the "
            f"machine has less to do, or without `engine` ray"
        )
    if "ersion mismatch" in text:
        return f"{text[:400]}: install the same Ray and Python on every node"
    if isinstance(error, ConnectionError) or "auth" in text.lower() or "token" in text.lower():
        return (
            f"the Ray cluster at {address} refused the connection: if it asks for a token, set "
            f"RAY_AUTH_MODE=token and RAY_AUTH_TOKEN"
        )
    return (
        f"cannot connect to the Ray cluster at {address}: {text[:300]}: run the command on a node "
        f"of the cluster (ray start --address={address})"
    )


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
