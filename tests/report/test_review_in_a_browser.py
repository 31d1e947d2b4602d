"""Promise: a person decides on labels in the page by keyboard, and `apply` corrects the catalog."""

from __future__ import annotations

import csv
import io
import json
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from genre_batch.catalog.chunk import TableChunk
from genre_batch.profile.profile import ProfileCollector
from genre_batch.report.catalog_page import CatalogFacts, catalog_report
from genre_batch.report.page import write_report
from genre_batch.report.queue import Queue, QueueRecord, QueueRow
from support.browser import DESK, PHONE, Browser
from support.places import Command

TITLES = (
    '</script><script>alert("1")</script>',
    'He said "no", twice',
    "Emoji \U0001f3ac, café",
    "\u0641\u064a\u0644\u0645 \u0637\u0648\u064a\u0644",  # right to left
    "=1+1; \\N & <b>bold</b>",
)
WORDS = {"laugh": "Comedy", "cry": "Drama", "fight": "Action", "robot": "Science Fiction"}


def catalog() -> str:
    """Return a catalog in which some labels are wrong."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["id", "title", "overview", "genres"])
    for number in range(40):
        word = list(WORDS)[number % 4]
        genres = [WORDS[word]]
        if number % 8 == 1:
            genres = ["Comedy"]
        if number % 8 == 2:
            genres.append("Drama")
        title = TITLES[number] if number < len(TITLES) else f"Film {number}"
        writer.writerow([f"f{number:02}", title, f"{word} {word}\n{number}", "|".join(genres)])
    return out.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("review")
    (folder / "films.csv").write_bytes(catalog().encode())
    return folder


def _rows(browser: Browser) -> list[list[str]]:
    """Return the cells of the rows that are drawn."""
    script = (
        "return [...document.querySelectorAll('#queue-list tr[data-index]')]"
        ".map(row => [...row.cells].map(cell => cell.textContent))"
    )
    rows: list[list[str]] = browser.run(script)
    return rows


def _records(path: Path) -> list[dict[str, str]]:
    text = path.read_bytes().decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def _labels(browser: Browser) -> int:
    return int(browser.run("return Number(document.querySelector('#queue-list').ariaRowCount) - 1"))


def _press(browser: Browser, *keys: str) -> None:
    target = browser.driver.switch_to.active_element
    for key in keys:
        target.send_keys(key)


def _chosen(browser: Browser) -> tuple[str, str, str]:
    ids = ("card-title", "card-genre", "card-kind")
    title, genre, kind = (browser.text(f"#{name}")[0] for name in ids)
    return title, genre, kind.rstrip("?")


def _downloaded(browser: Browser, folder: Path) -> Path:
    browser.driver.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)}
    )
    browser.driver.find_element(By.ID, "queue-download").click()
    path = folder / "films.review.csv"
    for _ in range(600):
        if path.exists() and path.stat().st_size:
            return path
        time.sleep(0.05)
    raise AssertionError("nothing was downloaded")


def test_labels_are_filtered_sorted_decided_downloaded_and_applied(
    command: Command, browser: Browser, folder: Path, tmp_path: Path
) -> None:
    films, page, review = folder / "films.csv", folder / "page.html", folder / "audit.csv"
    options = ("--min-score", "0", "--top", "400", "--report", page)
    done = command("audit", films, "-o", review, *options)
    assert done.returncode == 0, done.stderr
    records = _records(review)
    browser.open(page)
    assert browser.run("return document.documentElement.dataset.queue") == str(len(records))
    assert _labels(browser) == len(records)

    Select(browser.driver.find_element(By.ID, "queue-kind")).select_by_visible_text("doubtful")
    Select(browser.driver.find_element(By.ID, "queue-genre")).select_by_visible_text("Comedy")
    wanted = [r for r in records if (r["kind"], r["genre"]) == ("doubtful", "Comedy")]
    assert _labels(browser) == len(wanted) > 5
    assert {(row[1], row[2]) for row in _rows(browser)} == {("Comedy", "doubtful")}

    browser.driver.find_element(By.CSS_SELECTOR, "[data-sort=title]").click()
    titles = [row[0] for row in _rows(browser)]
    assert sorted(titles) == sorted(record["title"] for record in wanted)
    numbers = [int(title[5:]) for title in titles if title.startswith("Film ")]
    assert numbers == sorted(numbers)
    header = browser.driver.find_element(By.CSS_SELECTOR, "th[aria-sort]")
    assert (header.text.split()[0], header.get_attribute("aria-sort")) == ("Title", "ascending")

    browser.driver.find_element(By.CSS_SELECTOR, "[data-sort=score]").click()
    browser.driver.find_element(By.ID, "queue-list").click()
    _press(browser, Keys.HOME)
    decisions = {}
    for key in ("w", "r", "s"):
        decisions[_chosen(browser)] = {"w": "wrong", "r": "right", "s": "skip"}[key]
        _press(browser, key)
    _press(browser, "j", "k", "w", "u")  # the last decision is taken back
    for field, text in (("queue-kind", "missing"), ("queue-genre", "Drama")):
        Select(browser.driver.find_element(By.ID, field)).select_by_visible_text(text)
    browser.driver.find_element(By.ID, "queue-list").click()
    _press(browser, Keys.HOME)
    for _ in range(2):
        decisions[_chosen(browser)] = "right"
        _press(browser, "r")
    assert len(decisions) == 5

    browser.open(page)  # decisions are kept
    assert "5 decided" in browser.text("#queue-count")[0]
    Select(browser.driver.find_element(By.ID, "queue-state")).select_by_value("any")
    assert _labels(browser) == 5
    path = _downloaded(browser, tmp_path)
    assert browser.console() == []
    assert [url for url in browser.requests() if not url.startswith(("data:", "blob:"))] == [
        page.as_uri()
    ]

    downloaded = _records(path)
    assert {(r["title"], r["genre"], r["kind"]): r["decision"] for r in downloaded} == decisions
    done = command("apply", path, films, "-o", tmp_path / "corrected.csv")
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "corrected.csv").read_bytes().decode() == _expected(decisions)


def _expected(decisions: dict[tuple[str, str, str], str]) -> str:
    """Return the catalog after decisions, written without the code under test."""
    rows = list(csv.reader(io.StringIO(catalog(), newline="")))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for row in rows:
        genres = row[3].split("|")
        for (title, genre, kind), decision in decisions.items():
            if title == row[1] and (kind, decision) == ("doubtful", "wrong"):
                genres.remove(genre)
            if title == row[1] and (kind, decision) == ("missing", "right"):
                genres.append(genre)
        writer.writerow([*row[:3], "|".join(genres)])
    return out.getvalue()


def _large(path: Path, records: int) -> None:
    """Write a page with a queue of many labels, and texts as long as those of films."""
    random = np.random.default_rng(0)
    genres = ("Action", "Comedy", "Drama", "War")
    sizes = random.integers(80, 900, records).tolist()
    rows = [
        QueueRow(row, False, (f"id{row}", f"Film {row} \U0001f3ac", "word " * (size // 5), "Drama"))
        for row, size in enumerate(sizes)
    ]
    queue = Queue(
        "films.review.csv",
        "genre-batch apply films.review.csv films.csv -o corrected.csv",
        {"id": "id", "title": "title", "text": "overview", "genres": "genres"},
        rows,
        [
            QueueRecord(row, ("missing", "doubtful")[row % 2], genres[row % 4], 0.5, 1 - row / 1e5)
            for row in range(records)
        ],
    )
    profile = ProfileCollector(genres)
    predicted = pa.array([["Drama"]] * 10, pa.list_(pa.string()))
    profile.add(TableChunk(pa.table({"year": [1999] * 10})), predicted, np.full((10, 4), 0.7))
    facts = CatalogFacts("films.csv", queue=queue, audited=records)
    write_report(catalog_report(profile.profile(), facts), path)


def test_a_queue_of_ten_thousand_labels_opens_fast_and_draws_few_rows(
    browser: Browser, tmp_path: Path
) -> None:
    page = tmp_path / "large.html"
    _large(page, 10_000)
    assert page.stat().st_size < 5_000_000
    browser.open(page)
    timing = browser.run(
        "return performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
    )
    assert timing < 10_000  # 3 s on an idle machine
    assert _labels(browser) == 10_000
    assert len(_rows(browser)) < 60
    browser.driver.find_element(By.ID, "queue-list").click()
    _press(browser, Keys.END)
    assert _chosen(browser)[0].startswith("Film 9999")
    assert _rows(browser)[-1][0].startswith("Film 9999")
    browser.driver.find_element(By.ID, "queue-find").send_keys("film 777 ")
    assert _labels(browser) >= 1


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_queue_fits_every_screen_and_its_focus_is_seen(
    browser: Browser, tmp_path: Path, width: int, dark: bool
) -> None:
    page = tmp_path / "page.html"
    _large(page, 50)
    browser.open(page, width, dark)
    assert browser.width_beyond() <= 0
    assert browser.all("#queue-card")[0].size["width"] <= width
    browser.run("document.getElementById('queue-find').focus()")
    _press(browser, Keys.ESCAPE)
    assert browser.run("return document.activeElement.id") == "queue-list"
    assert browser.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert browser.console() == []


def test_a_button_decides_as_a_key_does_and_pressing_it_again_takes_it_back(
    browser: Browser, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    _large(page, 5)
    browser.open(page)
    first = _chosen(browser)
    button = browser.driver.find_element(By.CSS_SELECTOR, "[data-decision=wrong]")
    assert "stays out" in button.text
    button.click()
    assert _chosen(browser) != first
    browser.driver.find_element(By.ID, "queue-back").click()
    assert button.get_attribute("aria-pressed") == "true"
    stored = json.loads(browser.run("return Object.values(localStorage)[0]"))
    assert list(stored.values()) == ["wrong"]
    button.click()
    assert "0 decided" in browser.text("#queue-count")[0]


def test_decisions_are_loaded_from_a_file(browser: Browser, tmp_path: Path) -> None:
    page, file = tmp_path / "page.html", tmp_path / "decisions.csv"
    _large(page, 5)
    browser.open(page)
    file.write_text(
        'row,kind,genre,decision,x\n1,doubtful,Comedy,Wrong,"a\nb"\n9,missing,War,right,\n'
    )
    browser.driver.find_element(By.ID, "queue-upload").send_keys(str(file))
    for _ in range(100):
        if "1 decided" in browser.text("#queue-count")[0]:
            break
        time.sleep(0.05)
    assert "1 decided" in browser.text("#queue-count")[0]
    assert browser.text("#queue-note") == ["1 decisions loaded."]
