"""Without a network, loading from the model hub fails at once and with one error only."""

from __future__ import annotations

import logging

import pytest
import requests

from genre_batch.errors import TrainingError
from genre_batch.hub import hub_access
from genre_batch.training.encoder.base_model import load_base_model
from genre_batch.training.options import ModelOptions


class _Session:
    """An HTTP session that counts requests, and fails if it has no network."""

    def __init__(self, has_network: bool) -> None:
        self.has_network = has_network
        self.requests = 0

    def head(self, url: str, timeout: float) -> None:
        self.requests += 1
        if not self.has_network:
            raise requests.ConnectionError(url)


@pytest.fixture(params=[False, True], ids=["offline", "online"])
def session(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> _Session:
    """Replace the hub client's session."""
    replacement = _Session(has_network=request.param)
    monkeypatch.setattr("huggingface_hub.utils.get_session", lambda: replacement)
    return replacement


def test_only_local_files_are_used_where_the_hub_cannot_be_reached(session: _Session) -> None:
    before = logging.getLogger("urllib3").level
    with hub_access("no-such/model") as access:
        assert access == {"local_files_only": not session.has_network}
        assert not logging.getLogger("huggingface_hub.utils").isEnabledFor(logging.WARNING)
        assert not logging.getLogger("urllib3.util.retry").isEnabledFor(logging.WARNING)
    assert logging.getLogger("urllib3").level == before
    assert session.requests == 1


@pytest.mark.parametrize("session", [False], indirect=True)
def test_an_encoder_that_is_not_in_the_cache_is_one_error_without_retries(
    session: _Session, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(TrainingError, match="'no-such/model' cannot be loaded"):
        load_base_model("no-such/model", ("Drama",), ModelOptions())
    assert session.requests == 1
    assert not caplog.records
