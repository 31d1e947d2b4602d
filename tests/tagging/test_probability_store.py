"""Probabilities by key: what was kept is recalled, whoever kept it and however that ended."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_batch.errors import CatalogError, UsageError
from genre_batch.tagging.probability_store import (
    LmdbStore,
    MemoryStore,
    check_cache,
    parse_size,
    text_digests,
)

KEYS = [bytes([at]) * 16 for at in range(200)]
VALUES = [bytes([at]) * 76 for at in range(200)]


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> MemoryStore | LmdbStore:
    return MemoryStore() if request.param == "memory" else LmdbStore(tmp_path / "store")


def test_what_was_kept_is_recalled_and_the_rest_is_not(store: MemoryStore | LmdbStore) -> None:
    store.keep(KEYS[:3], VALUES[:3])
    assert store.get([KEYS[2], KEYS[9], KEYS[0]]) == [VALUES[2], None, VALUES[0]]
    assert store.get([]) == []


def test_keeping_again_changes_nothing(store: MemoryStore | LmdbStore) -> None:
    store.keep(KEYS[:3], VALUES[:3])
    store.keep(KEYS[1:4], VALUES[1:4])
    assert store.get(KEYS[:5]) == [*VALUES[:4], None]


def test_memory_forgets_what_was_used_longest_ago() -> None:
    store = MemoryStore(limit=2)
    store.keep(KEYS[:2], VALUES[:2])
    store.get([KEYS[0]])
    store.keep([KEYS[2]], [VALUES[2]])
    assert store.get(KEYS[:3]) == [VALUES[0], None, VALUES[2]]


def test_disk_outlives_the_store(tmp_path: Path) -> None:
    with LmdbStore(tmp_path / "store") as store:
        store.keep(KEYS, VALUES)
    with LmdbStore(tmp_path / "store") as again:
        assert again.get(KEYS) == VALUES


def test_many_lookups_open_it_anew_and_find_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genre_batch.tagging.probability_store._LOOKUPS_PER_OPENING", 50)
    with LmdbStore(tmp_path / "store") as store:
        store.keep(KEYS, VALUES)
        for _ in range(5):
            assert store.get(KEYS) == VALUES


def test_a_store_grows_as_it_must(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genre_batch.tagging.probability_store._FIRST_MAP_BYTES", 1 << 17)
    keys = text_digests([b"%d" % at for at in range(5000)], b"m")
    with LmdbStore(tmp_path / "store") as store:
        store.keep(keys, [key * 5 for key in keys])
        assert store.get(keys) == [key * 5 for key in keys]


def test_a_bounded_store_lets_the_oldest_go_and_stays_within_its_bytes(tmp_path: Path) -> None:
    limit = 1 << 20
    keys = text_digests([b"%d" % at for at in range(20_000)], b"m")
    with LmdbStore(tmp_path / "store", limit) as store:
        for start in range(0, len(keys), 500):
            store.keep(keys[start : start + 500], [key * 5 for key in keys[start : start + 500]])
        found = [value is not None for value in store.get(keys)]
    assert (tmp_path / "store" / "data.mdb").stat().st_size <= limit
    assert not any(found[:10_000])
    assert all(found[-1000:])
    # What is left is the youngest, without a gap.
    assert found == sorted(found)


def test_a_bounded_store_recalls_what_an_unbounded_one_does(tmp_path: Path) -> None:
    with LmdbStore(tmp_path / "store", 1 << 22) as store:
        store.keep(KEYS, VALUES)
        store.keep(KEYS, VALUES)
        assert store.get(KEYS) == VALUES


def _keep_and_die(folder: Path, start: int, die: bool) -> None:
    store = LmdbStore(folder)
    for at in range(start, start + 50):
        store.keep([KEYS[at]], [VALUES[at]])
    if die:
        os.kill(os.getpid(), signal.SIGKILL)
    store.close()


@pytest.mark.parametrize("die", [False, True])
def test_two_processes_share_it_and_a_killed_one_leaves_it_whole(tmp_path: Path, die: bool) -> None:
    spawn = multiprocessing.get_context("spawn")
    workers = [
        spawn.Process(target=_keep_and_die, args=(tmp_path / "store", start, die))
        for start in (0, 50)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    with LmdbStore(tmp_path / "store") as store:
        assert store.get(KEYS[:100]) == VALUES[:100]


def test_a_damaged_store_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "data.mdb").write_bytes(b"nonsense" * 4096)
    with pytest.raises(CatalogError, match="delete that folder if it is damaged"):
        LmdbStore(tmp_path / "store")


@given(st.lists(st.binary(max_size=20), unique=True, max_size=30))
def test_digests_tell_texts_and_models_apart(texts: list[bytes]) -> None:
    one, other = text_digests(texts, b"model 1"), text_digests(texts, b"model 2")
    assert len({*one, *other}) == 2 * len(texts)
    assert {len(key) for key in one} <= {16}


@pytest.mark.parametrize(
    ("text", "size"),
    [("500MB", 5 * 10**8), ("2G", 2 * 10**9), ("1.5 gb", 15 * 10**8), ("1000", 1000)],
)
def test_sizes_are_read_as_people_type_them(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "much", "-1GB", "0", "1e99T", "GB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--cache-size"):
        parse_size(text)


def test_a_cache_is_a_folder_of_its_own(tmp_path: Path) -> None:
    assert check_cache(str(tmp_path / "new")) == tmp_path / "new"
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        check_cache(str(tmp_path / "file"))
    with pytest.raises(UsageError, match="other things in it"):
        check_cache(str(tmp_path))
    with pytest.raises(UsageError, match="no such folder"):
        check_cache(str(tmp_path / "no" / "new"))
