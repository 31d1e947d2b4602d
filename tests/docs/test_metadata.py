"""Promise: the version, the changelog and the citation agree."""

from __future__ import annotations

import configparser
import re

from genre_batch.version import __version__
from support.places import ROOT

CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
CITATION = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
RELEASE = re.compile(r"^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d{2}-\d{2})$", re.MULTILINE)


def test_the_newest_release_of_the_changelog_is_this_version() -> None:
    assert RELEASE.findall(CHANGELOG)[0][0] == __version__


def test_changes_to_come_stand_above_the_releases() -> None:
    headings = re.findall(r"^## \[(.+?)\]", CHANGELOG, re.MULTILINE)
    assert headings[0] == "Unreleased"


def test_the_citation_is_of_the_newest_release() -> None:
    version, date = RELEASE.findall(CHANGELOG)[0]
    assert f"\nversion: {version}\n" in CITATION
    assert f'\ndate-released: "{date}"\n' in CITATION


def test_the_citation_has_the_license_of_the_package() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    assert f"\nlicense: {config['metadata']['license']}\n" in CITATION


def test_the_extra_that_develops_brings_all_that_ci_needs() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    dev = config["options.extras_require"]["dev"]
    for package in ("coverage", "mkdocs-material", "mypy", "pytest", "ruff", "torch"):
        assert re.search(rf"^{package}>=", dev, re.MULTILINE), package
