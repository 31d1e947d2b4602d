"""Draw the rooms of the package: which imports which, read from the import statements."""

from __future__ import annotations

import ast
from pathlib import Path

__all__ = ["draw_rooms", "room_imports"]

_WIDTH, _HEIGHT = 132, 40
_COLUMN, _ROW = 164, 92
_MARGIN = 16

_PLACES = {
    "cli": (2.25, 0),
    "comparison": (0.5, 1),
    "exporting": (1.5, 1),
    "augmentation": (0, 2),
    "training": (1, 2),
    "report": (1, 3),
    "runs": (0, 4),
    "evaluation": (1, 4),
    "dataset": (0.5, 5),
    "thresholds": (2, 5),
    "auditing": (3, 4),
    "cluster": (2, 4),
    "tagging": (3, 5),
    "catalog": (0.75, 6),
    "model": (2.25, 6),
}
"""Room -> column and row; a room without a place stands in a column of its own at the right."""

_STYLE = """
rect { fill: #e8eaf6; stroke: #3949ab; stroke-width: 1.2; rx: 6px; }
text { font: 14px sans-serif; fill: #1a1a1a; text-anchor: middle; dominant-baseline: central; }
path { stroke: #7986cb; stroke-width: 1.4; fill: none; marker-end: url(#head); }
marker path { fill: #7986cb; stroke: none; marker-end: none; }
@media (prefers-color-scheme: dark) {
  rect { fill: #283046; stroke: #9fa8da; }
  text { fill: #f0f0f0; }
}
"""


def room_imports(package: Path) -> dict[str, set[str]]:
    """Return, for every room of the package, the other rooms that its modules import."""
    rooms = {path.parent.name for path in package.glob("*/__init__.py")}
    imports: dict[str, set[str]] = {room: set() for room in sorted(rooms)}
    for room in rooms:
        for path in (package / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                modules: list[str] = []
                if isinstance(node, ast.ImportFrom) and node.module:
                    names = [f"{node.module}.{alias.name}" for alias in node.names]
                    modules = [node.module, *names]
                elif isinstance(node, ast.Import):
                    modules = [alias.name for alias in node.names]
                for module in modules:
                    parts = module.split(".")
                    if parts[0] == package.name and len(parts) > 1 and parts[1] in rooms - {room}:
                        imports[room].add(parts[1])
    return imports


def _reduced(imports: dict[str, set[str]]) -> dict[str, set[str]]:
    """Remove the arrows that follow from others (transitive reduction)."""

    def reachable(room: str) -> set[str]:
        direct = imports[room]
        return direct.union(*(reachable(other) for other in direct))

    return {
        room: {
            other
            for other in direct
            if not any(other in reachable(between) for between in direct - {other})
        }
        for room, direct in imports.items()
    }


def draw_rooms(package: Path) -> str:
    """Return an SVG of the rooms; an arrow points to the room that is imported.

    Arrows that follow from others are left out: a room may also import what it reaches by several.
    """
    imports = room_imports(package)
    arrows = _reduced(imports)
    unplaced = sorted(set(imports) - set(_PLACES))
    last = max(column for column, _ in _PLACES.values())
    places = _PLACES | {room: (last + 1, row) for row, room in enumerate(unplaced)}
    center = {
        room: (
            round(_MARGIN + _WIDTH / 2 + column * _COLUMN),
            _MARGIN + _HEIGHT // 2 + row * _ROW,
        )
        for room, (column, row) in places.items()
        if room in imports
    }
    width = max(x for x, _ in center.values()) + _WIDTH // 2 + _MARGIN
    height = max(y for _, y in center.values()) + _HEIGHT // 2 + _MARGIN
    shapes = []
    for room in sorted(arrows):
        for other in sorted(arrows[room]):
            (x, y), (to_x, to_y) = center[room], center[other]
            y, to_y = y + _HEIGHT // 2, to_y - _HEIGHT // 2 - 4
            bend = (to_y - y) // 2
            shapes.append(
                f'<path d="M{x},{y} C{x},{y + bend} {to_x},{to_y - bend} {to_x},{to_y}"/>'
            )
    for room, (x, y) in sorted(center.items()):
        corner = f'x="{x - _WIDTH // 2}" y="{y - _HEIGHT // 2}"'
        shapes.append(f'<rect {corner} width="{_WIDTH}" height="{_HEIGHT}"/>')
        shapes.append(f'<text x="{x}" y="{y}">{room}</text>')
    head = (
        '<marker id="head" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path d="M0,0 L8,4 L0,8 z"/></marker>'
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img">',
            "<title>The rooms of genre_batch; an arrow points to the room that is imported</title>",
            f"<style>{_STYLE}</style>",
            f"<defs>{head}</defs>",
            *shapes,
            "</svg>",
            "",
        ]
    )
