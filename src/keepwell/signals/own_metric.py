"""Metrics that a condition brings along, with ids that are made of what they are."""

import hashlib

from keepwell.metrics.metric import Metric

DAY_US = 86_400_000_000


def own_id(metric: Metric) -> str:
    """The same for two conditions that ask the same, so that it is worked out once."""
    return f"{metric.kind}_{hashlib.sha256(metric.model_dump_json().encode()).hexdigest()[:16]}"


def names_in_words(events: tuple[str, ...]) -> str:
    return " or ".join(name.replace("_", " ") for name in events)
