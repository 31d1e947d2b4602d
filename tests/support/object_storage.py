"""An object store that speaks S3's API, on loopback, and may fail as real ones do."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

__all__ = ["ObjectStorage", "object_storage"]

_SLOW_DOWN = (
    b"<?xml version='1.0' encoding='UTF-8'?><Error><Code>SlowDown</Code>"
    b"<Message>Please reduce your request rate.</Message></Error>"
)


@dataclass
class ObjectStorage:
    """A running store.

    Attributes:
        environment: the variables with which clients find it.
        puts: how many PUT requests it has received.
        failed: how many of them it refused.
    """

    environment: dict[str, str]
    puts: int = 0
    failed: int = 0


@contextlib.contextmanager
def object_storage(failing: int = 0) -> Iterator[ObjectStorage]:
    """Start a store without buckets; end it on exit.

    Args:
        failing: refuse one PUT in so many with the status 503; 0: none.
    """
    backend = DomainDispatcherApplication(create_backend_app)
    storage = ObjectStorage({})
    numbers = itertools.count(1)

    def application(request: dict[str, Any], respond: Callable[..., Any]) -> Iterable[bytes]:
        if request["REQUEST_METHOD"] == "PUT":
            number = storage.puts = next(numbers)
            if failing and number % failing == 0:
                storage.failed += 1
                while request["wsgi.input"].read(1 << 16):
                    pass  # or the client sees a closed connection, not the answer
                respond("503 Slow Down", [("Content-Type", "application/xml")])
                return [_SLOW_DOWN]
        answer: Iterable[bytes] = backend(request, respond)
        return answer

    server = make_server("127.0.0.1", 0, application, threaded=True)
    storage.environment |= {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield storage
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
