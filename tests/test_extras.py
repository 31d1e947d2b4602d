"""The optional packages: a missing one is named together with its extra."""

from __future__ import annotations

import pytest

from genre_batch import extras
from genre_batch.errors import MissingExtraError
from genre_batch.extras import require_extra


def test_without_its_packages_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    require_extra("this", "report")
    monkeypatch.setattr(
        extras, "find_spec", lambda name: None if name == "vl_convert" else object()
    )
    with pytest.raises(MissingExtraError, match=r"this needs the extra 'report' \(vl_convert"):
        require_extra("this", "report")
