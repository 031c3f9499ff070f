"""A plot of a few lines over time as SVG, each on a scale of its own that begins at nought."""

from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

WIDTH, HEIGHT, MARGIN = 720, 180, 44
COLOUR = "#2f6f9f"


class Line(NamedTuple):
    """What is shown, and its points in order."""

    name: str
    points: Sequence[tuple[float, float]]


def plot(lines: Sequence[Line], unit: str) -> str:
    """One field under the other. `unit` is what the first number of a point counts."""
    tall = HEIGHT * len(lines)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {tall}" '
        'font-family="sans-serif" font-size="12" fill="#222">'
        f'<rect width="{WIDTH}" height="{tall}" fill="#fff"/>'
    )
    fields = [_field(line, unit, number * HEIGHT) for number, line in enumerate(lines)]
    return "\n".join([head, *fields, "</svg>\n"])


def _field(line: Line, unit: str, top: int) -> str:
    most_x = max((x for x, _ in line.points), default=0.0) or 1.0
    most_y = max((y for _, y in line.points), default=0.0) or 1.0
    floor, left = top + HEIGHT - 28, MARGIN
    wide, high = WIDTH - 2 * MARGIN, HEIGHT - 64
    places = " ".join(
        f"{left + x / most_x * wide:.1f},{floor - y / most_y * high:.1f}" for x, y in line.points
    )
    return (
        f'<text x="{left}" y="{top + 18}" font-weight="bold">{escape(line.name)}</text>'
        f'<path d="M{left} {floor - high}V{floor}H{left + wide}" fill="none" stroke="#999"/>'
        f'<text x="{left - 6}" y="{floor - high + 4}" text-anchor="end">{most_y:.0f}</text>'
        f'<text x="{left - 6}" y="{floor + 4}" text-anchor="end">0</text>'
        f'<text x="{left + wide}" y="{floor + 18}" text-anchor="end">'
        f"{most_x:.0f} {escape(unit)}</text>"
        f'<polyline points="{places}" fill="none" stroke="{COLOUR}" stroke-width="1.5"/>'
    )
