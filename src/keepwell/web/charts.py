"""ECharts options as plain dicts, so that a test can read them.

A colour is a name of the style sheet, "var(--…)"; the script in the browser puts the theme's value in its place.
Labels and tooltips are plain text: no option may hold a function or HTML.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from keepwell.health.weight import NANO
from keepwell.jobs.read_account import Change
from keepwell.store.read.health_model import ModelFace
from keepwell.store.read.score import ScorePoint
from keepwell.store.read.source import OUTCOMES, HourCount
from keepwell.web.templatetags.faces import change as change_text

Options = dict[str, Any]

_TEXT = "var(--muted)"
_AXIS = {
    "axisLine": {"lineStyle": {"color": "var(--line)"}},
    "axisTick": {"show": False},
    "axisLabel": {"color": _TEXT, "fontSize": 12},
    "splitLine": {"show": False},
}


def history_chart(points: Sequence[ScorePoint], model: ModelFace, versions: Sequence[tuple[datetime, int]]) -> Options:
    """The score as a step line on the areas of its bands; a gap is a day without a score."""
    data = [[_ms(point.as_of), None if point.nano_points is None else _points(point.nano_points)] for point in points]
    return {
        **_common(history_text(points)),
        "grid": {"left": 36, "right": 92, "top": 22, "bottom": 28},
        "xAxis": {"type": "time", **_AXIS, "splitNumber": 6},
        "yAxis": {"type": "value", "min": 0, "max": 100, "interval": 20, **_AXIS},
        "series": [
            {
                "name": "Health score",
                "type": "line",
                "step": "end",
                "symbol": "none",
                "connectNulls": False,
                "sampling": "lttb",
                "lineStyle": {"width": 2, "color": "var(--text)"},
                "itemStyle": {"color": "var(--text)"},
                "data": data,
                "markArea": {"silent": True, "label": _band_label(), "data": _band_areas(model)},
                "markLine": {
                    "silent": True,
                    "symbol": "none",
                    "lineStyle": {"color": "var(--muted)", "type": "dashed"},
                    "label": {"color": _TEXT, "formatter": "{b}", "position": "end", "fontSize": 11},
                    "data": [{"name": f"model v{number}", "xAxis": _ms(at)} for at, number in versions],
                },
            }
        ],
        "tooltip": {
            **_tooltip(),
            "trigger": "axis",
            "axisPointer": {"type": "line", "lineStyle": {"color": "var(--muted)"}},
        },
    }


def history_text(points: Sequence[ScorePoint]) -> str:
    """What a reader who does not see the line is told."""
    known = [point for point in points if point.nano_points is not None]
    if not known:
        return "No score in this stretch."
    first, last = known[0], known[-1]
    old, new = (first.nano_points or 0) // NANO, (last.nano_points or 0) // NANO
    verb = "rose" if new > old else "fell" if new < old else "stayed"
    moved = f"{verb} from {old} to {new}" if new != old else f"{verb} at {new}"
    lowest = min(known, key=lambda point: point.nano_points or 0)
    return (
        f"Score {moved} between {first.as_of:%-d %b %Y} and {last.as_of:%-d %b %Y}; "
        f"lowest {(lowest.nano_points or 0) // NANO} on {lowest.as_of:%-d %b %Y}."
    )


def waterfall_chart(change: Change, model: ModelFace, most: int = 8) -> Options:
    """From the score before to the score after, the largest causes first; the rest is one bar."""
    shown = change.lines[:most]
    rest = sum(line.change_nano for line in change.lines[most:])
    steps = [(model.metric_title(line.metric), line.change_nano) for line in shown]
    others = len(change.lines) - most
    steps += [("1 other" if others == 1 else f"{others} others", rest)] if rest else []
    start, end = change.before.nano_points or 0, change.after.nano_points or 0
    names = [f"{change.before.as_of:%-d %b}", *(name for name, _ in steps), f"{change.after.as_of:%-d %b}"]
    bars: list[Options] = [_bar(0, start, "var(--muted)", change_text(start).lstrip("+"))]
    at = start
    for _, nano in steps:
        colour = "var(--rise)" if nano > 0 else "var(--fall)"
        bars.append(_bar(min(at, at + nano), abs(nano), colour, change_text(nano)))
        at += nano
    bars.append(_bar(0, end, "var(--muted)", change_text(end).lstrip("+")))
    return {
        **_common(waterfall_text(change, model)),
        "grid": {"left": 168, "right": 48, "top": 8, "bottom": 24},
        "xAxis": {"type": "value", "min": 0, "max": 100, "interval": 20, **_AXIS},
        "yAxis": {
            "type": "category",
            "inverse": True,
            "data": names,
            **_AXIS,
            "axisLabel": {"color": "var(--text)", "fontSize": 12, "width": 156, "overflow": "truncate"},
        },
        "series": [
            {
                "type": "bar",
                "stack": "change",
                "silent": True,
                "itemStyle": {"color": "transparent"},
                "data": [bar["from"] for bar in bars],
            },
            {
                "name": "Points",
                "type": "bar",
                "stack": "change",
                "barWidth": 14,
                "data": [{key: value for key, value in bar.items() if key != "from"} for bar in bars],
            },
        ],
    }


def waterfall_text(change: Change, model: ModelFace) -> str:
    parts = [f"{model.metric_title(line.metric)} {change_text(line.change_nano)}" for line in change.lines[:3]]
    total = change_text(change.change_nano)
    return f"The score changed by {total} points. Largest causes: {', '.join(parts) or 'none'}."


OUTCOME_COLOURS = {
    "accepted": "var(--stable)",
    "duplicate": "var(--muted)",
    "conflict": "var(--watch)",
    "rejected": "var(--act)",
    "waiting": "var(--grow)",
}


def ledger_chart(bars: Sequence[HourCount], unit: timedelta, description: str) -> Options:
    """Events by outcome, one stacked bar for each hour or day, oldest first; an empty place is silence."""
    is_hour = unit == timedelta(hours=1)
    return {
        **_common(description),
        "grid": {"left": 52, "right": 12, "top": 12, "bottom": 56},
        "xAxis": {
            "type": "category",
            "data": [f"{bar.hour:%-d %b %H:%M}" if is_hour else f"{bar.hour:%-d %b}" for bar in bars],
            **_AXIS,
        },
        "yAxis": {"type": "value", "minInterval": 1, **_AXIS, "splitLine": {"lineStyle": {"color": "var(--line)"}}},
        "legend": {"bottom": 0, "icon": "rect", "itemWidth": 12, "textStyle": {"color": "var(--text)"}},
        "series": [
            {
                "name": outcome.capitalize(),
                "type": "bar",
                "stack": "outcome",
                "itemStyle": {"color": OUTCOME_COLOURS[outcome]},
                "data": [bar.outcomes[outcome] for bar in bars],
            }
            for outcome in OUTCOMES
            if any(bar.outcomes[outcome] for bar in bars)
        ],
        "tooltip": {**_tooltip(), "trigger": "axis", "axisPointer": {"type": "shadow"}},
    }


def ledger_text(total: HourCount, hours: int, stretch: str) -> str:
    """What a reader who does not see the bars is told."""
    if not hours:
        return f"Nothing came in during the last {stretch}."
    parts = [f"{total.outcomes[outcome]:,} {outcome}" for outcome in OUTCOMES if total.outcomes[outcome]]
    return (
        f"{total.received:,} events in the last {stretch}, in {hours} {'hour' if hours == 1 else 'different hours'}: "
        f"{', '.join(parts) or 'none accounted for'}."
    )


def _common(description: str) -> Options:
    return {
        "animation": False,
        "aria": {"enabled": True, "label": {"description": description}, "decal": {"show": False}},
        "textStyle": {"fontFamily": "inherit"},
    }


def _tooltip() -> Options:
    return {
        "renderMode": "richText",
        "backgroundColor": "var(--surface)",
        "borderColor": "var(--line)",
        "textStyle": {"color": "var(--text)", "fontSize": 12},
    }


def _band_label() -> Options:
    # The names stand in the margin, where the line never crosses them.
    return {"position": "right", "color": _TEXT, "fontSize": 11, "distance": 6}


def _band_areas(model: ModelFace) -> list[list[Options]]:
    return [
        [
            {"name": band.label, "yAxis": band.lo, "itemStyle": {"color": f"var(--{band.tier}-tint)"}},
            {"yAxis": band.hi},
        ]
        for band in model.bands
    ]


def _bar(start: int, length: int, colour: str, text: str) -> Options:
    return {
        "from": _points(start),
        "value": _points(length),
        "itemStyle": {"color": colour},
        "label": {"show": True, "position": "right", "formatter": text, "color": "var(--text)", "fontSize": 12},
    }


def _points(nano: int) -> float:
    return round(nano / NANO, 3)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
