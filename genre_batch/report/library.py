"""The drawing library of a page: Vega, Vega-Lite and Vega-Embed as one script.

Bundling it takes more than a second, as much as the rest of a small run, and gives the same script
every time. So the script is kept in the user's cache folder, by its version and that of this tool.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
from importlib.metadata import version
from pathlib import Path

from genre_batch.files import replacing
from genre_batch.paths import user_cache_folder
from genre_batch.version import __version__

__all__ = ["drawing_library"]


@functools.cache
def drawing_library() -> str:
    """Return the script, of 0.9 MB, which defines `window.vegaEmbed`.

    It is taken from the cache folder if that has it, whole and unchanged; else it is bundled, and
    written there if the folder can be written.
    """
    versions = f"{version('vl-convert-python')}-{__version__}"
    path = user_cache_folder() / f"vega-{versions}.js"
    if not path.is_absolute():  # the user has no home folder
        return _bundled()
    script = _kept(path)
    if script is None:
        script = _bundled()
        content = script.encode()
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as stream:
                stream.write(_digest(content) + b"\n" + content)
    return script


def _kept(path: Path) -> str | None:
    """Return the script of a file; None if there is none, or it is not as it was written."""
    try:
        digest, _, content = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    return content.decode() if digest == _digest(content) else None


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


def _bundled() -> str:
    """Bundle the script."""
    import vl_convert

    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    # A string of the library must not end the script element. Browsers normalize line ends before
    # they hash a script.
    return bundle.replace("</script", "<\\/script").replace("\r\n", "\n")
