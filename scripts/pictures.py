"""Draw the pictures of the README and the guides from real runs.

    python scripts/pictures.py

- docs/images/tag.svg: `genre-batch tag` on the samples, in a terminal of its own (a pty);
- docs/images/report.png: the top of a report that `genre-batch evaluate` wrote, in Chromium.

Needs the extras `report` and `test-core`, and Debian's chromium and chromium-driver.
"""

from __future__ import annotations

import base64
import io
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from fcntl import ioctl
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.wait import WebDriverWait

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
MAX_BYTES = 150_000
COLUMNS, ROWS = 78, 40
PAGE_WIDTH, PAGE_HEIGHT = 760, 1080
COMMAND = Path(sys.executable).with_name("genre-batch")


def terminal_output(command: list[str], folder: Path) -> str:
    """Return what a command prints to a terminal of `COLUMNS` x `ROWS`, escapes included."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    variables = os.environ | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    process = subprocess.Popen(
        command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, env=variables
    )
    os.close(theirs)
    printed = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the last writer is gone
            break
        if not piece:
            break
        printed += piece
    if process.wait():
        raise SystemExit(f"{command} failed:\n{printed.decode()}")
    lines = printed.decode().replace("\r\n", "\n").split("\n")
    # Whether a progress bar comes up depends on the machine's load: it is left out.
    return "\n".join(line for line in lines if "rows/s]" not in line)


def draw_terminal(folder: Path) -> str:
    """Return an SVG of `genre-batch tag` on the samples."""
    typed = "genre-batch tag samples/films.csv -o tagged.parquet"
    printed = terminal_output([str(COMMAND), *typed.split()[1:]], folder)
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text(f"$ {typed}", style="bold"))
    console.print(Text.from_ansi(printed.rstrip()))
    console.print(Text("$ ", style="bold"))
    # rich's template loads a font from another host; the viewer's own will do.
    template = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    template = template.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, monospace")
    return console.export_svg(
        title="genre-batch", theme=DIMMED_MONOKAI, code_format=template, unique_id="tag"
    )


def draw_report(folder: Path) -> bytes:
    """Return a PNG of the top of the report on the samples."""
    page = folder / "report.html"
    command = [str(COMMAND), "evaluate", "samples/films.csv", "--report", str(page)]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or driver is None:
        raise SystemExit("chromium and chromedriver are needed: apt-get install chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage"):
        options.add_argument(f"--{argument}")
    options.add_argument("--hide-scrollbars")
    with webdriver.Chrome(options=options, service=Service(driver)) as opened:
        size = {"width": PAGE_WIDTH, "height": PAGE_HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        opened.get(page.as_uri())
        WebDriverWait(opened, 60).until(
            lambda seen: seen.execute_script("return 'drawn' in document.documentElement.dataset")
        )
        clip = {"x": 0, "y": 0, "width": PAGE_WIDTH, "height": PAGE_HEIGHT, "scale": 1}
        shot = opened.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", "clip": clip})
    return base64.b64decode(shot["data"])


def main() -> None:
    """Draw both."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "samples", folder / "samples")
        pictures = {
            "tag.svg": draw_terminal(folder).encode(),
            "report.png": draw_report(folder),
        }
    for file, content in pictures.items():
        if len(content) > MAX_BYTES:
            raise SystemExit(f"{file} has {len(content):,} bytes, more than {MAX_BYTES:,}")
        (IMAGES / file).write_bytes(content)
        print(f"wrote docs/images/{file}: {len(content):,} bytes")


if __name__ == "__main__":
    main()
