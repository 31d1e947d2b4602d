"""Promise: links lead to files and headings that exist, and pages keep to the style of prose."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest

from support.places import ROOT

PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "export").glob("*.md"),
        *(ROOT / "samples").glob("*.md"),
        *(ROOT / "benchmarks").glob("*.md"),
    ]
)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_DIALECT = re.compile(r"no say|told by|mend |stands twice|is no [a-z]+:|typed wrongly")


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site make them."""
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    anchors = set()
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        plain = unicodedata.normalize("NFKD", heading.replace("`", "")).lower()
        anchors.add(re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-"))
    return anchors


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    for link in _LINK.findall(text):
        if link.startswith(("https://", "mailto:")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.relative_to(ROOT)}: {link}"
        assert target.is_relative_to(ROOT), f"{page.relative_to(ROOT)}: {link}"
        if anchor:
            assert anchor in _anchors(target), f"{page.relative_to(ROOT)}: {link}"


def test_pages_and_code_are_in_plain_english() -> None:
    files = [*PAGES, *(ROOT / "genre_batch").rglob("*.py"), *(ROOT / "genre_batch").rglob("*.html")]
    found = {
        str(path.relative_to(ROOT)): phrases
        for path in files
        if (phrases := _DIALECT.findall(path.read_text(encoding="utf-8")))
    }
    assert found == {}


def test_pages_are_in_the_site_s_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        assert f" {page.relative_to(ROOT / 'docs')}\n" in navigation


def test_the_start_page_links_every_guide() -> None:
    linked = _LINK.findall((ROOT / "docs" / "index.md").read_text(encoding="utf-8"))
    guides = {f"guides/{path.name}" for path in (ROOT / "docs" / "guides").glob("*.md")}
    assert guides <= set(linked)


def test_the_glossary_is_in_alphabetical_order() -> None:
    page = (ROOT / "docs" / "reference" / "glossary.md").read_text(encoding="utf-8")
    terms = [term.casefold() for term in re.findall(r"^\| ([^|]+?) \|", page, re.MULTILINE)][1:]
    assert terms == sorted(terms)


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 135
