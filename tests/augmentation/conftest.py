"""The real translator, for the tests that need it."""

from __future__ import annotations

import os
import shutil

import pytest

from genre_batch.augmentation.apertium import PACKAGES, Apertium


@pytest.fixture(scope="session")
def apertium() -> Apertium:
    """Return Apertium with all its chains; fail in CI, or skip elsewhere, where it is missing."""
    if shutil.which("apertium") is None:
        message = f"no Apertium: apt-get install {' '.join(dict.fromkeys(PACKAGES.values()))}"
        if os.environ.get("CI") or os.environ.get("GENRE_BATCH_REQUIRE_DATA"):
            pytest.fail(message)
        pytest.skip(message)
    return Apertium(workers=2)
