"""A headless Chromium that opens report pages and reports what they logged and requested."""

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
        driver: of selenium.
    """

    driver: webdriver.Chrome

    @classmethod
    @contextlib.contextmanager
    def start(cls, browser: str, driver: str) -> Iterator[Browser]:
        """Start a browser; without the paths, selenium would try to download both programs."""
        options = webdriver.ChromeOptions()
        options.binary_location = browser
        for argument in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage"):
            options.add_argument(f"--{argument}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        with webdriver.Chrome(options=options, service=Service(driver)) as chrome:
            yield cls(chrome)

    def open(self, page: Path, width: int = DESK, dark: bool = False) -> None:
        """Open a page at a width, in a light or dark color scheme, and wait until it is drawn."""
        command = self.driver.execute_cdp_cmd
        size = {"width": width, "height": 812, "screenWidth": width, "screenHeight": 812}
        metrics = size | {"deviceScaleFactor": 1, "mobile": width == PHONE}
        command("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        # Without smooth scrolling, during which a click would miss.
        motion = {"name": "prefers-reduced-motion", "value": "reduce"}
        command("Emulation.setEmulatedMedia", {"features": [scheme, motion]})
        self.driver.get("about:blank")
        self.console()
        self.requests()
        self.driver.get(page.as_uri())
        WebDriverWait(self.driver, SECONDS).until(
            lambda driver: self.run("return document.documentElement.dataset.drawn !== undefined")
        )

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script and return its result."""
        return self.driver.execute_script(script, *arguments)

    def strings(self, script: str, *arguments: Any) -> list[str]:
        """Return the strings that a script returns."""
        return [str(value) for value in self.run(script, *arguments)]

    def all(self, selector: str) -> list[WebElement]:
        """Return the elements that match a CSS selector."""
        return self.driver.find_elements("css selector", selector)

    def console(self) -> list[str]:
        """Return the console's messages since the last call, warnings included."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Return the URLs requested since the last call, data URLs included."""
        events = [json.loads(entry["message"]) for entry in self.driver.get_log("performance")]
        return [
            event["message"]["params"]["request"]["url"]
            for event in events
            if event["message"]["method"] == "Network.requestWillBeSent"
        ]

    def width_beyond(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        # A phone's innerWidth grows with wide content; its screen width does not.
        return int(self.run("return document.documentElement.scrollWidth - screen.width"))

    def text(self, selector: str) -> list[str]:
        """Return the texts of the elements that match a selector, as written."""
        script = "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)"
        return self.strings(script, selector)
