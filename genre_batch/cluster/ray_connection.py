"""Connect to a Ray cluster in a thread, while the job is planned, and start its workers.

Nothing heavy is imported at the top: the connection begins before the other libraries are imported
that planning needs.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import io
import logging
import os
import re
import sys
import threading
import warnings
from types import TracebackType
from typing import Any, Self

from genre_batch.cluster.core_messages import without_core_messages
from genre_batch.cluster.ray_cluster import asks_for_local, check_node, find_address
from genre_batch.cluster.ray_task import KEEPALIVE, load_libraries
from genre_batch.cores import available_cores
from genre_batch.errors import GenreBatchError

__all__ = ["RayConnection"]

_SETTINGS = {
    # `uv run` would give workers an environment of their own.
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_DEDUP_LOGS": "0",
    # Ray's core would write a line of its own to stderr after 5 s without an answer.
    "RAY_gcs_rpc_server_connect_timeout_s": "60",
    # A cluster that is started on a busy machine takes longer than the 30 s that Ray gives it.
    "RAY_raylet_start_wait_time_s": "100",
    # The results of the tasks that start workers are never read.
    "RAY_IGNORE_UNHANDLED_ERRORS": "1",
}
"""Read when ray is imported; what the user has set stays."""
_KEEPALIVE = {
    # A node that is frozen, not dead, stalls the driver for seven minutes with Ray's own settings.
    # A gRPC server that is asked more often than once a minute closes the connection, and Ray then
    # ends the worker: 70 s leave room (240 s of one part were tried).
    KEEPALIVE: "70000",
    "RAY_grpc_client_keepalive_timeout_ms": "10000",
}
_LOCAL_KEEPALIVE = {
    # Nodes that this process starts get the same settings, and allow what they do themselves.
    KEEPALIVE: "5000",
    "RAY_grpc_client_keepalive_timeout_ms": "5000",
}

_CONNECT_SECONDS = 25.0
"""Less than the 30 s within which an error is promised; Ray itself tries for minutes."""
_START_SECONDS = 120.0
"""For a cluster that is started on this machine, which may be busy."""
_CLOSE_SECONDS = 5.0
"""How long an attempt that is no longer needed is waited for at the end of the process."""
_WARM_WORKERS = 32
"""The most workers that are started early; each costs the driver some 2 ms."""
_OBJECT_STORE_BYTES = 100 << 20
"""For the model; rows do not go through Ray."""
_DEATHS = (
    *("Raylet is terminated", "marked dead", "worker died or was killed"),
    *("retries remaining", "due to memory pressure"),
)
_COLORS = re.compile(r"\x1b\[[0-9;]*m")


class RayConnection:
    """A connection to a Ray cluster, as a context.

    A connection that the process has already is used, and stays open. Within the context, what Ray
    prints goes to stderr, because stdout is for data. Its warnings are dropped: they announce
    changes of Ray, and what concerns the user is raised as an error.

    Attributes:
        is_lost: whether the cluster does not answer any more, so that to disconnect would wait.
        is_ours: whether it was made here, so that nothing else uses it.
    """

    def __init__(self, requested: str | None, threads: int | None) -> None:
        """Prepare a connection.

        Args:
            requested: the address, as in `find_address`.
            threads: the cores of a part; None: one.
        """
        self.is_lost = False
        self.is_ours = False
        self._requested = requested
        self._threads = max(1, threads or 1)
        self._address: str | None = None
        self._ray: Any = None
        self._is_abandoned = False
        self._lock = threading.Lock()
        self._error: BaseException | None = None
        self._has_begun = threading.Event()
        self._context = contextlib.ExitStack()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        """Begin to connect."""
        keepalive = _LOCAL_KEEPALIVE if asks_for_local(self._requested) else _KEEPALIVE
        for name, value in (_SETTINGS | keepalive).items():
            os.environ.setdefault(name, value)
        self._context.enter_context(contextlib.redirect_stdout(_Notices()))
        self._context.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", module=r"ray\b")
        # Two threads that import the same library at once may see it half loaded. So those that the
        # thread needs, Ray and what it serializes with, are loaded before it starts.
        for name in ("numpy", "pyarrow", "ray"):
            importlib.import_module(name)
        self._ray = sys.modules["ray"]
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Disconnect."""
        self.close()
        self._context.close()

    def wait(self) -> tuple[Any, str]:
        """Return the module ray, connected, and the address of the cluster.

        Raises:
            UsageError: the address is not one.
            GenreBatchError: there is no such cluster, it refuses, does not answer, or is of another
                version.
        """
        seconds = _START_SECONDS if asks_for_local(self._requested) else _CONNECT_SECONDS
        self._has_begun.wait()
        self._thread.join(seconds)
        if self._thread.is_alive():
            self.is_lost = True
            raise GenreBatchError(_silence(self._address or "local", seconds))
        if isinstance(self._error, GenreBatchError):
            raise self._error
        if self._error is not None:
            raise GenreBatchError(_refusal(self._address or "", self._error)) from self._error
        return self._ray, self._address or ""

    def close(self) -> None:
        """Disconnect; an attempt to connect is not waited for, and disconnects by itself."""
        if asks_for_local(self._requested) and not self.is_lost:
            self._thread.join(_START_SECONDS)  # or its processes would be left
        with self._lock:
            self._is_abandoned = self._thread.is_alive()
        if self.is_lost or self._is_abandoned:
            # To disconnect waits for what is gone, also as Python exits.
            atexit.unregister(self._ray.shutdown)
            # Python would end a thread that runs native code in a way that aborts the process.
            atexit.register(self._thread.join, _CLOSE_SECONDS)
        elif self.is_ours:
            self.is_ours = False
            self._disconnect()

    def _run(self) -> None:
        try:
            self._address = find_address(self._requested)
            self._has_begun.set()
            if not self._ray.is_initialized():
                self.is_ours = True
                if self._address != "local":
                    check_node(self._address)
                _connect(self._ray, self._address)
            if not self._is_abandoned:
                self._start_workers(self._ray)
        except BaseException as error:  # Ray raises bare ones too
            self._error = error
        finally:
            self._has_begun.set()
        with self._lock:
            if self._is_abandoned and self.is_ours and not self.is_lost:
                self._disconnect()

    def _disconnect(self) -> None:
        # Tasks that run are ended, and Ray's core may fail to report that.
        with without_core_messages():
            self._ray.shutdown()

    def _start_workers(self, ray: Any) -> None:
        """Have idle cores import what the parts will need; their outcome does not matter."""
        free = ray.available_resources().get("CPU", 0)
        task = ray.remote(load_libraries).options(
            num_cpus=self._threads,
            max_retries=0,
            scheduling_strategy="SPREAD",
            name="genre-batch start",
        )
        for _ in range(min(int(free / self._threads), _WARM_WORKERS)):
            task.remote(self._threads, self.is_ours)


class _Notices(io.TextIOBase):
    """A stream for what Ray prints: the first line of each message goes to stderr.

    Messages about nodes and workers that died are dropped: others write their parts, or the run
    ends with an error.
    """

    def write(self, text: str) -> int:
        """Write the first line of a message, which may have a hundred."""
        line = _COLORS.sub("", text.partition("\n")[0])
        if line.strip() and not any(words in text for words in _DEATHS):
            sys.stderr.write(f"{line}\n")
        return len(text)

    def flush(self) -> None:
        """Flush stderr."""
        sys.stderr.flush()


def _connect(ray: Any, address: str) -> None:
    options: dict[str, Any] = {"address": address}
    if address == "local":
        options |= {
            "num_cpus": available_cores(),
            "include_dashboard": False,
            "object_store_memory": _OBJECT_STORE_BYTES,
        }
    ray.init(**options, log_to_driver=False, logging_level=logging.ERROR)


def _silence(address: str, seconds: float) -> str:
    """Return the message about a cluster that accepts connections but does not respond."""
    if address == "local":
        return _refusal(address, TimeoutError(f"it is not up after {seconds:.0f} seconds"))
    advice = f"run the command on a node of the cluster (ray start --address={address})"
    host = address.rpartition(":")[0].strip("[]")
    if host in ("localhost", "::1") or host.startswith("127."):
        advice = (
            "set RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0 if its nodes were started with it, or "
            "restart it (ray start --head)"
        )
    return (
        f"the Ray cluster at {address} accepts connections, but does not answer within "
        f"{seconds:.0f} seconds: {advice}"
    )


def _refusal(address: str, error: BaseException) -> str:
    """Return the message about a cluster that responds but cannot be used."""
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
