"""The optional packages: a missing one is named, and pandas is not loaded without need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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


_WITHOUT_PANDAS = """
import sys
import pyarrow
from genre_batch.extras import leave_out_pandas
leave_out_pandas()
pyarrow.array([1, 2])
assert "pandas" not in sys.modules
import pandas
assert pyarrow.table({"a": [1]}).to_pandas()["a"].tolist() == [1]
leave_out_pandas()
assert pyarrow.array(pandas.Series([1.0, None])).null_count == 1
"""


def test_pandas_is_left_out_until_it_is_asked_for() -> None:
    pytest.importorskip("pandas")
    subprocess.run([sys.executable, "-c", _WITHOUT_PANDAS], check=True, timeout=60)


def test_the_command_does_not_load_pandas(tmp_path: Path, default_model: Path) -> None:
    Path(tmp_path, "a.csv").write_text("id,overview\n1,laugh\n")
    line = ["-X", "importtime", "-m", "genre_batch", "tag", "a.csv", "-o", "b.csv"]
    run = subprocess.run(
        [sys.executable, *line], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0
    names = {line.rpartition("|")[2].strip() for line in run.stderr.splitlines()}
    assert "pyarrow" in names
    assert "pandas.core" not in names
