"""A headless Chromium that opens report pages and tells what they did."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

PHONE, DESK = 375, 1280
SECONDS = 60


@dataclass(frozen=True)
class Browser:
    """A browser with one page open.

    Attributes:
        driver: selenium's.
    """

    driver: webdriver.Chrome

    @classmethod
    @contextlib.contextmanager
    def started(cls, browser: str, driver: str) -> Iterator[Browser]:
        """Starts a browser; both paths are given, for selenium would look for downloads."""
        options = webdriver.ChromeOptions()
        options.binary_location = browser
        for argument in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage"):
            options.add_argument(f"--{argument}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        with webdriver.Chrome(options=options, service=Service(driver)) as started:
            yield cls(started)

    def open(self, page: Path, width: int = DESK, dark: bool = False) -> None:
        """Opens a page at a width, under a system's colours, and waits until all is drawn."""
        command = self.driver.execute_cdp_cmd
        size = {"width": width, "height": 812, "screenWidth": width, "screenHeight": 812}
        metrics = size | {"deviceScaleFactor": 1, "mobile": width == PHONE}
        command("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        # Without smooth scrolling, in the midst of which a click would miss.
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        command("Emulation.setEmulatedMedia", {"features": [scheme, still]})
        self.driver.get("about:blank")
        self.console()
        self.requests()
        self.driver.get(page.as_uri())
        WebDriverWait(self.driver, SECONDS).until(
            lambda driver: self.run("return document.documentElement.dataset.drawn !== undefined")
        )

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script returns."""
        return self.driver.execute_script(script, *arguments)

    def strings(self, script: str, *arguments: Any) -> list[str]:
        """Return the strings that a script returns."""
        return [str(value) for value in self.run(script, *arguments)]

    def all(self, selector: str) -> list[WebElement]:
        """The elements of a CSS selector."""
        return self.driver.find_elements("css selector", selector)

    def console(self) -> list[str]:
        """What the console was told since the last look, warnings and all."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """What was asked for since the last look, inside the page's own bytes or outside."""
        events = [json.loads(entry["message"]) for entry in self.driver.get_log("performance")]
        return [
            event["message"]["params"]["request"]["url"]
            for event in events
            if event["message"]["method"] == "Network.requestWillBeSent"
        ]

    def width_beyond(self) -> int:
        """How many pixels of the page lie beside the window."""
        # A phone's innerWidth grows with what it cannot hold; its screen does not.
        return int(self.run("return document.documentElement.scrollWidth - screen.width"))

    def text(self, selector: str) -> list[str]:
        """The texts of the elements of a selector, as written."""
        script = "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)"
        return self.strings(script, selector)
