"""Thirty days of a score as one path of an inline SVG."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from keepwell.store.read.score import ScorePoint

WIDTH, HEIGHT = 96, 24
DAYS = 30


def spark_path(history: Sequence[ScorePoint], until: datetime) -> str:
    """A step line over the last 30 days on a scale of 0 to 100; a stretch without a score is a gap."""
    since = until - timedelta(days=DAYS)
    parts: list[str] = []
    is_drawing = False
    for point in history:
        if point.nano_points is None:
            is_drawing = False
            continue
        x = max(0.0, (point.as_of - since) / timedelta(days=DAYS)) * (WIDTH - 2) + 1
        y = (1 - point.nano_points / 100e9) * (HEIGHT - 2) + 1
        parts.append(f"H{x:.1f}V{y:.1f}" if is_drawing else f"M{x:.1f} {y:.1f}")
        is_drawing = True
    return "".join([*parts, f"H{WIDTH - 1}"]) if is_drawing else "".join(parts)


def line_path(values: Sequence[float], width: int, height: int) -> str:
    """A line through values, scaled to their own span but never to less than ten points of it."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    spread = max(high - low, 10.0)
    middle = (low + high) / 2
    step = (width - 4) / (len(values) - 1)
    spots = [
        f"{2 + place * step:.1f} {2 + (0.5 - (value - middle) / spread) * (height - 4):.1f}"
        for place, value in enumerate(values)
    ]
    return f"M{'L'.join(spots)}"
