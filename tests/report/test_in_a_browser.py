"""Promise: report pages work in a browser, log no warnings and fetch nothing."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from selenium.webdriver.common.keys import Keys

from genre_batch.evaluation.per_genre import Predictions
from genre_batch.report.page import Column, Report, Section, Table, write_report
from genre_batch.report.sections import prediction_sections
from support.browser import DESK, PHONE, Browser

HOSTILE = '<script>alert(1)</script> & "x"'
GENRES = ("Action", "Drama", HOSTILE, "Science Fiction", "War")
RATED = Table(
    "Ratings", (Column("Film"), Column("Stars", 1)), (("B", 2.0), ("A", None), ("C", 10.0))
)
LEAST_CONTRAST = 4.5
"""The W3C's minimum for text (WCAG 2.2, 1.4.3)."""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a report with every kind of section, and a genre whose name is HTML."""
    random = np.random.default_rng(0)
    labels = (random.random((200, 5)) < [0.3, 0.5, 0.2, 0.3, 0.05]).astype(np.uint8)
    probabilities = 0.4 * labels + 0.6 * random.random((200, 5))
    predictions = Predictions(GENRES, labels, probabilities, np.linspace(0.4, 0.6, 5))
    sections = (*prediction_sections(predictions, "these films"), Section("Rated", tables=(RATED,)))
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_report(Report("A report", ("About films.",), sections, ("beware.",)), path)
    return path


def _first_column(browser: Browser, table: int) -> list[str]:
    return _column(browser, table, 0)


def _column(browser: Browser, table: int, column: int) -> list[str]:
    return browser.strings(
        "return [...document.querySelectorAll('main table')[arguments[0]].tBodies[0].rows]"
        ".map(row => row.cells[arguments[1]].dataset.value ?? row.cells[arguments[1]].textContent)",
        table,
        column,
    )


def _luminance(color: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _colors(browser: Browser, selector: str, of: str) -> list[str]:
    each = "return [...document.querySelectorAll(arguments[0])]"
    return browser.strings(f"{each}.map(e => getComputedStyle(e)[arguments[1]])", selector, of)


def _look(browser: Browser) -> tuple[bool, list[str]]:
    """Return whether the page is dark, and its text colors, after checking their contrast."""
    on_page = _colors(browser, "h2, p:not(.warning), td, th, nav a, #theme", "color")
    on_panel = _colors(browser, "figcaption *, label, select", "color")
    drawn = _colors(browser, ".plot .role-axis text, .plot .role-legend text", "fill")
    drawn += _colors(browser, "#figure-4-1 .mark-text.role-mark text", "fill")
    (page, *_), (panel, *_) = (_colors(browser, of, "backgroundColor") for of in ("body", "figure"))
    for texts, ground in ((on_page, page), (on_panel, panel), (drawn, panel)):
        assert texts
        assert min(_contrast(text, ground) for text in texts) >= LEAST_CONTRAST
    cells = _colors(browser, "#figure-2-1 .mark-rect path", "fill")
    numbers = _colors(browser, "#figure-2-1 .mark-text.role-mark text", "fill")
    assert min(_contrast(number, cell) for number in numbers for cell in cells) >= LEAST_CONTRAST
    return _luminance(page) < 0.1, on_page + drawn


def _drawings(browser: Browser) -> list[str]:
    """Return each figure's SVG."""
    return browser.strings("return [...document.querySelectorAll('.plot')].map(e => e.innerHTML)")


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_reader_clicks_through_a_report_and_nothing_complains(
    browser: Browser, page: Path, width: int, dark: bool
) -> None:
    browser.open(page, width, dark)
    assert browser.width_beyond() <= 0
    figures = len(browser.all("figure"))
    assert figures == 5
    assert len(browser.all(".plot svg")) == figures
    for drawing in _drawings(browser):
        assert len(re.findall(r'<path aria-label|role="graphics-symbol"', drawing)) >= 2
    is_dark, colors = _look(browser)
    assert is_dark == dark

    for table in range(len(browser.all("main table"))):
        headers = browser.all("main table")[table].find_elements("css selector", "thead th")
        for column, header in enumerate(headers):
            if column == 0:
                # Away from the names' order, so that sorting by them has something to do.
                browser.run(
                    "const b = document.querySelectorAll('main table')[arguments[0]].tBodies[0];"
                    "b.append(b.rows[0])",
                    table,
                )
            seen = [_first_column(browser, table)]
            for _ in range(2):
                browser.run("arguments[0].querySelector('button').click()", header)
                cells = _column(browser, table, column)
                known = [cell for cell in cells if cell != "–"]  # noqa: RUF001
                assert cells[: len(known)] == known
                keys = [float(c) for c in known] if column else [c.lower() for c in known]
                if column:
                    descending = header.get_attribute("aria-sort") == "descending"
                    assert keys == sorted(keys, reverse=descending)
                seen.append(_first_column(browser, table))
            assert seen[1] != seen[2] or len(set(cells)) == 1
            assert len({tuple(sorted(order)) for order in seen}) == 1

    for link in browser.all("nav a"):
        browser.run("arguments[0].click()", link)
        target = (link.get_attribute("href") or "").split("#")[1]
        assert browser.run("return location.hash") == f"#{target}"
        assert browser.all(f"#{target} h2")[0].text == link.get_attribute("textContent")

    browser.all("#theme")[0].click()
    toggled, others = _look(browser)
    assert toggled != dark
    assert all(other != color for other, color in zip(others, colors, strict=True))
    browser.all("#theme")[0].click()
    assert _look(browser)[0] == dark

    assert browser.width_beyond() <= 0
    assert browser.console() == []
    assert [url for url in browser.requests() if not url.startswith("data:")] == [page.as_uri()]


def test_a_genre_chosen_in_one_figure_is_shown_in_all(browser: Browser, page: Path) -> None:
    browser.open(page)
    before = _drawings(browser)
    selects = browser.all("figure select")
    assert [select.get_attribute("value") for select in selects] == ["Drama"] * 4
    for choice in ("War", HOSTILE):
        browser.run(
            "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change'))",
            selects[0],
            choice,
        )
        assert [select.get_attribute("value") for select in selects] == [choice] * 4
        changed = [new != old for new, old in zip(_drawings(browser), before, strict=True)]
        assert changed == [True, True, True, False, True]
    assert browser.console() == []


def test_a_curve_that_is_pressed_becomes_the_chosen_one(browser: Browser, page: Path) -> None:
    browser.open(page)
    for number in range(len(GENRES)):
        browser.run(
            "document.querySelectorAll('.plot')[1].querySelectorAll('.mark-line')[arguments[0]]"
            ".querySelector('path').dispatchEvent(new MouseEvent('click', {bubbles: true}))",
            number,
        )
        chosen = browser.run("return document.querySelector('select').value")
        assert chosen == GENRES[number]


def test_an_unknown_number_is_sorted_last_in_both_directions(browser: Browser, page: Path) -> None:
    browser.open(page)
    last = len(browser.all("main table")) - 1
    button = browser.all("main table:last-of-type thead th.number button")[-1]
    for expected in (["C", "B", "A"], ["B", "C", "A"]):
        button.send_keys(Keys.ENTER)
        assert _first_column(browser, last) == expected
    header = button.find_element("xpath", "..")
    assert header.get_attribute("aria-sort") == "ascending"
    assert len(browser.all("main table:last-of-type th[aria-sort]")) >= 1


def test_a_wide_table_scrolls_in_its_own_box_on_a_phone(browser: Browser, page: Path) -> None:
    browser.open(page, PHONE)
    sizes = (
        "return [...document.querySelectorAll('.table')].map(e => e.scrollWidth - e.clientWidth)"
    )
    assert max(browser.run(sizes)) > 0
    assert browser.width_beyond() <= 0


def test_a_name_that_is_html_is_text_on_the_page(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert browser.text("tbody th").count(HOSTILE) == 3
    assert browser.text("option").count(HOSTILE) == 4
    drawn = browser.text(".plot svg text")
    assert [text for text in drawn if text.startswith("<script>alert(")]  # an axis cuts it short
    assert len(browser.all("script:not([type])")) == 2


def test_the_page_s_own_policy_lets_no_script_be_added_and_nothing_be_fetched(
    browser: Browser, page: Path
) -> None:
    browser.open(page)
    browser.run(
        "const added = document.createElement('script'); added.textContent = 'window.added = 1';"
        "document.body.append(added)"
    )
    assert browser.run("return window.added") is None
    refused = "return fetch('data:text/plain,x').then(() => 'fetched', () => 'refused')"
    assert browser.run(refused) == "refused"
    # What is clicked runs as the page's own code, under its policy; what selenium sends does not.
    browser.run(
        "const link = document.createElement('button');"
        "link.setAttribute('onclick', 'window.added = 2');"
        "document.body.append(link); link.click()"
    )
    assert browser.run("return window.added") is None
    assert all("Content Security Policy" in message for message in browser.console())


def test_without_a_script_the_tables_are_there(browser: Browser, page: Path) -> None:
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.driver.get(page.as_uri())
        shown = browser.all("noscript p")[0].text
        rows = browser.all("main tbody tr")
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert shown.startswith("Figures are drawn")
    assert len(rows) == 3 * len(GENRES) + len(RATED.rows)


def test_the_command_writes_a_page_that_opens(
    command: Callable[..., subprocess.CompletedProcess[bytes]], browser: Browser, tmp_path: Path
) -> None:
    films, path = tmp_path / "films.csv", tmp_path / "report.html"
    films.write_text("overview,genres\n" + "laugh,Comedy\ncry,Drama\nfight,Drama\n" * 5)
    done = command("evaluate", films, "--report", path)
    assert (done.returncode, b"macro-F1" in done.stdout) == (0, True)
    assert f"report written to {path}" in done.stderr.decode()
    browser.open(path, PHONE)
    assert browser.text("h1") == ["Genres predicted for films.csv"]
    assert len(browser.all(".plot svg")) == 5
    assert browser.console() == []
