"""The hub: the cache is used first, and without a network loading fails soon, with one error."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest
import requests

from genre_batch import hub
from genre_batch.errors import TrainingError
from genre_batch.hub import check_available, load_from_hub
from genre_batch.training.encoder.base_model import load_base_model
from genre_batch.training.options import ModelOptions


class _Session:
    """An HTTP session that counts requests, and fails or waits if it has no network."""

    def __init__(self, network: str) -> None:
        self.network = network
        self.requests = 0

    def head(self, url: str, timeout: float) -> None:
        self.requests += 1
        if self.network == "none":
            raise requests.ConnectionError(url)
        if self.network == "silent":
            time.sleep(5)


class _Loader:
    """Loads what the cache or the hub has; records where it looked."""

    def __init__(self, cached: bool) -> None:
        self.cached = cached
        self.looked: list[str] = []

    def __call__(self, local: bool) -> str:
        self.looked.append("cache" if local else "hub")
        if local and not self.cached:
            raise OSError("not in the cache")
        assert not logging.getLogger("huggingface_hub.utils").isEnabledFor(logging.WARNING)
        assert not logging.getLogger("urllib3.util.retry").isEnabledFor(logging.WARNING)
        return "model"


@pytest.fixture(params=["none", "silent", "fast"])
def session(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> _Session:
    """Replace the hub client's session."""
    replacement = _Session(request.param)
    monkeypatch.setattr("huggingface_hub.utils.get_session", lambda: replacement)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub, "_TIMEOUT_SECONDS", 0.2)
    return replacement


def test_what_the_cache_has_is_used_without_a_request(session: _Session) -> None:
    before = logging.getLogger("urllib3").level
    loader = _Loader(cached=True)
    assert load_from_hub("some/model", loader) == "model"
    assert (loader.looked, session.requests) == (["cache"], 0)
    assert logging.getLogger("urllib3").level == before


def test_the_hub_is_asked_only_where_it_answers(session: _Session) -> None:
    loader = _Loader(cached=False)
    if session.network == "fast":
        assert load_from_hub("some/model", loader) == "model"
        assert loader.looked == ["cache", "hub"]
    else:
        with pytest.raises(OSError, match="not in the cache"):
            load_from_hub("some/model", loader)
        assert loader.looked == ["cache"]
    assert session.requests == 1


@pytest.mark.parametrize("session", ["fast"], indirect=True)
def test_offline_nothing_is_asked(session: _Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(OSError, match="not in the cache"):
        load_from_hub("some/model", _Loader(cached=False))
    assert session.requests == 0


@pytest.mark.parametrize("session", ["none"], indirect=True)
def test_an_encoder_that_is_not_in_the_cache_is_one_error_without_retries(
    session: _Session, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(TrainingError, match="'no-such/model' cannot be loaded"):
        load_base_model("no-such/model", ("Drama",), ModelOptions())
    assert session.requests == 1
    assert not caplog.records


@pytest.mark.parametrize("session", ["none", "silent", "fast"], indirect=True)
def test_an_encoder_that_is_nowhere_is_reported_before_torch_is_imported(
    session: _Session, tmp_path: Path
) -> None:
    check_available(str(tmp_path), "base_model")
    assert session.requests == 0
    if session.network == "fast":
        check_available("no-such/model", "base_model")
    else:
        with pytest.raises(TrainingError, match="not in the cache, and the hub cannot be reached"):
            check_available("no-such/model", "base_model")
    assert session.requests == 1
