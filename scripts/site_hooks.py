"""Hooks of the documentation site (mkdocs.yml): pages that live outside docs/ join it.

A page links to ../export/README.md as GitHub needs it; the site gets a copy of that file under
another name, and the links to it are rewritten.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]

OUTSIDE = {
    "export/README.md": "model-card.md",
    "samples/README.md": "samples.md",
    "benchmarks/README.md": "development/benchmarks.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "development/contributing.md",
}
"""File of the checkout -> its page on the site."""

_LINK = re.compile(r"(\]\()([^)\s#:]+)(#[^)\s]*)?(\))")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the outside pages that exist."""
    for source, name in OUTSIDE.items():
        path = ROOT / source
        if path.exists():
            files.append(File.generated(config, name, content=path.read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Rewrite links between docs/ and the outside pages; links to code become plain text."""
    return rewritten(markdown, page.file.src_uri)


def rewritten(markdown: str, page: str) -> str:
    """Return a page's text with the links that its place on the site needs.

    Args:
        markdown: the text, with links as the checkout needs them.
        page: its name on the site, relative to docs/.
    """
    sources = {name: source for source, name in OUTSIDE.items()}
    source = sources.get(page, f"docs/{page}")

    def replaced(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), match[2]))
        if (ROOT / target).is_dir():
            target += "/index.md"
        if target in OUTSIDE:
            on_site = OUTSIDE[target]
        elif target.startswith("docs/"):
            on_site = target.removeprefix("docs/")
        else:
            return match[0]
        relative = posixpath.relpath(on_site, posixpath.dirname(page) or ".")
        return f"{match[1]}{relative}{match[3] or ''}{match[4]}"

    return _LINK.sub(replaced, markdown)
