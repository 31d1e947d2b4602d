"""Probabilities by (model, text): the one mechanism behind resume, --cache and de-duplication."""

from __future__ import annotations

import contextlib
import hashlib
import struct
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import lmdb

from genre_batch.errors import CatalogError, UsageError
from genre_batch.files import check_output_folder, check_parent_folder

__all__ = ["LmdbStore", "MemoryStore", "Store", "check_cache", "parse_size", "text_digests"]

_MEGABYTE = 1 << 20
_FIRST_MAP_BYTES = 64 * _MEGABYTE
_LEAST_LIMIT_BYTES = _MEGABYTE
_LOOKUPS_PER_OPENING = 16_384
_LEAST_USE = 0.3
_MOST_SLACK_BYTES = 128 * _MEGABYTE
"""How much of a bounded store may be in use: LMDB copies each page that a write touches, and gives
the old ones back only two writes later; a second's keys, being hashes, touch a page each."""
_EVICTED_PER_KEPT = 1.1
_BYTES_PER_KEY_WRITTEN = 1 << 15
"""So much of a bounded store's limit has to stand behind each key of one write, for that reason."""
_SEQUENCE = struct.Struct(">Q")


class Store(Protocol):
    """Values by key. A value may be gone at any time; it is computed again then."""

    def get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Each key's value, or None."""

    def keep(self, keys: Sequence[bytes], values: Sequence[bytes]) -> None:
        """Keeps values; they outlive the process where the store does."""


def text_digests(texts: Sequence[bytes], model: bytes) -> list[bytes]:
    """The key of each text under a model: the first 16 bytes of a SHA-256 over both.

    Args:
        texts: UTF-8, as the model reads them.
        model: whatever tells one model from another, of one length.
    """
    sha256 = hashlib.sha256
    return [sha256(model + text).digest()[:16] for text in texts]


class MemoryStore:
    """Keeps the values used last, for a run that has no place of its own on disk."""

    def __init__(self, limit: int = 65_536) -> None:
        """Makes an empty store.

        Args:
            limit: the most values kept (about 250 bytes each).
        """
        self._limit = limit
        self._values: OrderedDict[bytes, bytes] = OrderedDict()

    def get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """As `Store.get`."""
        found: list[bytes | None] = []
        for key in keys:
            value = self._values.get(key)
            if value is not None:
                self._values.move_to_end(key)
            found.append(value)
        return found

    def keep(self, keys: Sequence[bytes], values: Sequence[bytes]) -> None:
        """As `Store.keep`."""
        self._values.update(zip(keys, values, strict=True))
        while len(self._values) > self._limit:
            self._values.popitem(last=False)


class LmdbStore(contextlib.AbstractContextManager["LmdbStore"]):
    """An LMDB environment: safe under a crash (each write is whole or absent) and two processes.

    LMDB maps its file into memory, and every page touched counts as the process's: the environment
    is opened anew every few thousand lookups, so that memory does not grow with the store.
    """

    def __init__(self, folder: Path, limit: int | None = None) -> None:
        """Opens the store, or makes an empty one.

        Args:
            folder: where its files lie; made if it is not there.
            limit: the most bytes of its file; the oldest values give way to new ones.

        Raises:
            CatalogError: no store can be opened or made there.
        """
        self._folder = folder
        self._limit = None if limit is None else max(limit, _LEAST_LIMIT_BYTES)
        self._map_bytes = self._limit or _FIRST_MAP_BYTES
        self._environment: lmdb.Environment | None = None
        self._lookups = 0
        with self._errors():
            folder.mkdir(parents=True, exist_ok=True)
            self._open()

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the store; what it keeps is on disk already."""
        if self._environment is not None:
            self._environment.close()
            self._environment = None

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (lmdb.Error, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error).rpartition(": ")[2]
            raise CatalogError(
                f"cannot keep predictions in {self._folder}: {reason}: make room, or delete that "
                f"folder if it is damaged, and run the same command again"
            ) from error

    def _open(self) -> lmdb.Environment:
        self.close()
        self._lookups = 0
        file = self._folder / "data.mdb"
        size = file.stat().st_size if file.exists() else 0
        environment = lmdb.open(
            str(self._folder), map_size=max(self._map_bytes, size), max_dbs=2, max_spare_txns=1
        )
        environment.reader_check()
        self._values = environment.open_db(b"probabilities")
        self._order = environment.open_db(b"order") if self._limit is not None else None
        self._environment = environment
        return environment

    def get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """As `Store.get`.

        Raises:
            CatalogError: the store is damaged.
        """
        with self._errors():
            environment = self._environment
            self._lookups += len(keys)
            if environment is None or self._lookups > _LOOKUPS_PER_OPENING:
                environment = self._open()
            try:
                return self._recalled(environment, keys)
            except lmdb.MapResizedError:  # another process made the file larger
                return self._recalled(self._open(), keys)

    def _recalled(self, environment: lmdb.Environment, keys: Sequence[bytes]) -> list[bytes | None]:
        with environment.begin(db=self._values) as transaction:
            get = transaction.get
            return [get(key) for key in keys]

    def keep(self, keys: Sequence[bytes], values: Sequence[bytes]) -> None:
        """As `Store.keep`; on disk once it returns.

        Raises:
            CatalogError: the disk is full, say.
        """
        size = len(keys) if self._limit is None else self._limit // _BYTES_PER_KEY_WRITTEN
        for start in range(0, len(keys), max(1, size)):
            self._keep(keys[start : start + size], values[start : start + size])

    def _keep(self, keys: Sequence[bytes], values: Sequence[bytes]) -> None:
        with self._errors():
            environment = self._environment or self._open()
            evicted = round(_EVICTED_PER_KEPT * len(keys)) + 1
            while True:
                try:
                    if self._limit is not None:
                        self._make_room(environment, evicted)
                    self._put(environment, keys, values)
                except lmdb.MapResizedError:  # another process made the file larger
                    environment = self._open()
                except lmdb.MapFullError:
                    if self._limit is None:
                        self._map_bytes = 2 * max(self._map_bytes, environment.info()["map_size"])
                        environment = self._open()
                    elif evicted > self._limit:
                        return  # a cache too small for what a second gives keeps nothing of it
                    evicted *= 4
                else:
                    return

    def _put(
        self, environment: lmdb.Environment, keys: Sequence[bytes], values: Sequence[bytes]
    ) -> None:
        with environment.begin(write=True) as transaction:
            if self._order is None:
                transaction.cursor(self._values).putmulti(zip(keys, values, strict=True))
                return
            with transaction.cursor(self._order) as cursor:
                last = _SEQUENCE.unpack(cursor.key())[0] if cursor.last() else 0
            for key, value in zip(keys, values, strict=True):
                if transaction.put(key, value, overwrite=False, db=self._values):
                    last += 1
                    transaction.put(_SEQUENCE.pack(last), key, append=True, db=self._order)

    def _make_room(self, environment: lmdb.Environment, entries: int) -> None:
        """Lets so many of the oldest entries go, if the store is as full as it may be."""
        assert self._limit is not None
        may_use = max(_LEAST_USE * self._limit, self._limit - _MOST_SLACK_BYTES)
        with environment.begin(write=True) as transaction:
            stats = [transaction.stat(db) for db in (self._values, self._order)]
            pages = sum(
                stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"] for stat in stats
            )
            if pages * stats[0]["psize"] <= may_use:
                return
            with transaction.cursor(self._order) as cursor:
                while entries and cursor.first():
                    transaction.delete(cursor.value(), db=self._values)
                    cursor.delete()
                    entries -= 1


def parse_size(text: str) -> int:
    """Bytes of a size as people type it: `500MB`, `2G`, `1.5 GB`, `1000000`.

    Raises:
        UsageError: it is none.
    """
    units = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
    number = text.strip().upper().removesuffix("B").strip()
    unit = number[-1:] if number[-1:] in units else ""
    try:
        size = float(number.removesuffix(unit)) * units[unit]
        if not 0 < size < 2**62:
            raise ValueError
    except ValueError as error:
        raise UsageError(f"--cache-size {text}: type a size such as 500MB or 2GB") from error
    return int(size)


def check_cache(path: str) -> Path:
    """The folder of a cache.

    Raises:
        UsageError: something else stands there.
    """
    folder = Path(path)
    check_output_folder(folder, name="`cache`")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "data.mdb").is_file():
        raise UsageError(f"--cache {path} is a folder with other things in it: name a new one")
    check_parent_folder(folder, "`cache`")
    return folder
