"""tagging/probability_store.py: what was put can be got, also by and after other processes."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import lmdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_batch.errors import CatalogError, UsageError
from genre_batch.tagging.probability_store import (
    LmdbStore,
    MemoryStore,
    check_cache,
    open_resume_store,
    parse_size,
    text_digests,
)

KEYS = [bytes([number]) * 16 for number in range(200)]
VALUES = [bytes([number]) * 76 for number in range(200)]


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> MemoryStore | LmdbStore:
    return MemoryStore() if request.param == "memory" else LmdbStore(tmp_path / "store")


def test_get_returns_what_was_put_and_none_for_the_rest(store: MemoryStore | LmdbStore) -> None:
    store.put(KEYS[:3], VALUES[:3])
    assert store.get([KEYS[2], KEYS[9], KEYS[0]]) == [VALUES[2], None, VALUES[0]]
    assert store.get([]) == []


def test_putting_again_changes_nothing(store: MemoryStore | LmdbStore) -> None:
    store.put(KEYS[:3], VALUES[:3])
    store.put(KEYS[1:4], VALUES[1:4])
    assert store.get(KEYS[:5]) == [*VALUES[:4], None]


def test_memory_evicts_the_least_recently_used() -> None:
    store = MemoryStore(limit=2)
    store.put(KEYS[:2], VALUES[:2])
    store.get([KEYS[0]])
    store.put([KEYS[2]], [VALUES[2]])
    assert store.get(KEYS[:3]) == [VALUES[0], None, VALUES[2]]


def test_values_on_disk_outlive_the_store(tmp_path: Path) -> None:
    with LmdbStore(tmp_path / "store") as store:
        store.put(KEYS, VALUES)
    with LmdbStore(tmp_path / "store") as again:
        assert again.get(KEYS) == VALUES


def test_a_full_disk_is_an_error_before_anything_is_mapped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(CatalogError, match=r"in .*store: No space left on device: free some space"):
        LmdbStore(tmp_path / "store")


def _use(folder: Path) -> None:
    with LmdbStore(folder, limit=1 << 20) as store:
        store.put(KEYS, VALUES)
        store.get(KEYS[::-1])


@pytest.mark.parametrize("length", [1, 5000, 8192, 3 << 12])
def test_a_file_that_was_cut_off_is_damaged_and_ends_no_process(
    tmp_path: Path, length: int
) -> None:
    _use(tmp_path / "store")
    os.truncate(tmp_path / "store" / "data.mdb", length)
    with pytest.raises(CatalogError, match="it is damaged: delete that folder, and run the same"):
        _use(tmp_path / "store")


def test_a_resume_store_that_was_cut_off_starts_empty(tmp_path: Path) -> None:
    with LmdbStore(tmp_path / "store") as store:
        store.put(KEYS, VALUES)
    os.truncate(tmp_path / "store" / "data.mdb", 3 << 12)
    with contextlib.ExitStack() as stack:
        resumed = open_resume_store(tmp_path / "store", stack)
        assert resumed.get(KEYS[:1]) == [None]
        resumed.put(KEYS, VALUES)
        assert resumed.get(KEYS) == VALUES


def test_a_resume_store_that_cannot_be_opened_for_now_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LmdbStore(tmp_path / "store") as store:
        store.put(KEYS, VALUES)

    def refuse(*_: object, **__: object) -> None:
        raise lmdb.MemoryError("cannot allocate memory")

    with monkeypatch.context() as patched, contextlib.ExitStack() as stack:
        patched.setattr(lmdb, "open", refuse)
        assert open_resume_store(tmp_path / "store", stack).get(KEYS[:1]) == [None]
    with contextlib.ExitStack() as stack:
        assert open_resume_store(tmp_path / "store", stack).get(KEYS) == VALUES


def test_a_file_system_that_cannot_reserve_bytes_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "posix_fallocate", refuse, raising=False)
    with LmdbStore(tmp_path / "store") as store:
        store.put(KEYS, VALUES)
        assert store.get(KEYS) == VALUES


def test_many_lookups_reopen_the_store_and_find_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genre_batch.tagging.probability_store._LOOKUPS_PER_OPENING", 50)
    with LmdbStore(tmp_path / "store") as store:
        store.put(KEYS, VALUES)
        for _ in range(5):
            assert store.get(KEYS) == VALUES


def test_a_store_grows_as_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genre_batch.tagging.probability_store._FIRST_MAP_BYTES", 1 << 17)
    keys = text_digests([b"%d" % number for number in range(5000)], b"m")
    with LmdbStore(tmp_path / "store") as store:
        store.put(keys, [key * 5 for key in keys])
        assert store.get(keys) == [key * 5 for key in keys]


def test_a_limited_store_evicts_the_oldest_and_stays_within_its_bytes(tmp_path: Path) -> None:
    limit = 1 << 20
    keys = text_digests([b"%d" % number for number in range(14_000)], b"m")
    with LmdbStore(tmp_path / "store", limit) as store:
        for start in range(0, len(keys), 1000):
            store.put(keys[start : start + 1000], [key * 5 for key in keys[start : start + 1000]])
        present = [value is not None for value in store.get(keys)]
    assert (tmp_path / "store" / "data.mdb").stat().st_size <= limit
    assert not any(present[:4_000])
    assert all(present[-1000:])
    # The remaining values are the most recent ones, without a gap.
    assert present == sorted(present)


def test_a_limited_store_with_room_keeps_everything(tmp_path: Path) -> None:
    with LmdbStore(tmp_path / "store", 1 << 22) as store:
        store.put(KEYS, VALUES)
        store.put(KEYS, VALUES)
        assert store.get(KEYS) == VALUES


_PUT_FIFTY = """
import os, signal, sys
from pathlib import Path
from genre_batch.tagging.probability_store import LmdbStore
folder, start, die = sys.argv[1:]
store = LmdbStore(Path(folder))
for number in range(int(start), int(start) + 50):
    store.put([bytes([number]) * 16], [bytes([number]) * 76])
if die == "True":
    os.kill(os.getpid(), signal.SIGKILL)
store.close()
"""


@pytest.mark.alone
@pytest.mark.process
@pytest.mark.parametrize("die", [False, True])
def test_two_processes_share_a_store_and_a_killed_one_leaves_it_intact(
    tmp_path: Path, die: bool
) -> None:
    workers = [
        subprocess.Popen([sys.executable, "-c", _PUT_FIFTY, tmp_path / "store", start, str(die)])
        for start in ("0", "50")
    ]
    for worker in workers:
        assert worker.wait(60) == (-signal.SIGKILL if die else 0)
    with LmdbStore(tmp_path / "store") as store:
        assert store.get(KEYS[:100]) == VALUES[:100]


def test_the_error_for_a_damaged_store_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "data.mdb").write_bytes(b"nonsense" * 4096)
    with pytest.raises(CatalogError, match="it is damaged: delete that folder"):
        LmdbStore(tmp_path / "store")


@given(st.lists(st.binary(max_size=20), unique=True, max_size=30))
def test_digests_differ_by_text_and_by_model(texts: list[bytes]) -> None:
    one, other = text_digests(texts, b"model 1"), text_digests(texts, b"model 2")
    assert len({*one, *other}) == 2 * len(texts)
    assert {len(key) for key in one} <= {16}


@pytest.mark.parametrize(
    ("text", "size"),
    [("500MB", 5 * 10**8), ("2G", 2 * 10**9), ("1.5 gb", 15 * 10**8), ("1000", 1000)],
)
def test_sizes_are_parsed_with_and_without_units(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "much", "-1GB", "0", "0.5", "1e99T", "GB"])
def test_an_invalid_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="`cache_size` must be a size"):
        parse_size(text)


def test_a_cache_is_a_folder_of_its_own(tmp_path: Path) -> None:
    assert check_cache(str(tmp_path / "new")) == tmp_path / "new"
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        check_cache(str(tmp_path / "file"))
    with pytest.raises(UsageError, match="other content"):
        check_cache(str(tmp_path))
    with pytest.raises(UsageError, match="no such folder"):
        check_cache(str(tmp_path / "no" / "new"))


def test_a_cache_that_another_run_is_creating_is_a_cache(tmp_path: Path) -> None:
    (tmp_path / "lock.mdb").write_text("")
    assert check_cache(str(tmp_path)) == tmp_path
