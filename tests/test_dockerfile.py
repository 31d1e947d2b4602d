"""Promise: the Dockerfile copies what the package needs, and runs as an ordinary user."""

from __future__ import annotations

import configparser
import re

from support.places import ROOT

LINES = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
IGNORED = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def test_what_is_copied_exists_and_is_not_ignored() -> None:
    copied = [
        name
        for line in LINES
        if line.startswith("COPY ") and "--from" not in line
        for name in line.split()[1:-1]
    ]
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    described = config["metadata"]["long_description"].removeprefix("file: ")
    needed = {"setup.cfg", "pyproject.toml", "genre_batch", "export", described, "LICENSE"}
    assert needed <= set(copied)
    assert all((ROOT / name).exists() for name in copied)
    assert {f"!{name}" for name in copied} <= set(IGNORED)


def test_it_runs_the_command_as_an_ordinary_user_of_a_supported_python() -> None:
    assert LINES.index("USER films") < LINES.index('ENTRYPOINT ["genre-batch"]')
    version = re.findall(r"^FROM python:([\d.]+)-slim", "\n".join(LINES), re.MULTILINE)
    classifiers = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    assert version
    assert all(f"Python :: {each}" in classifiers for each in version)
