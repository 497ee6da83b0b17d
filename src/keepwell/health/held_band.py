"""The band an account is held in, which does not follow every swing of its score."""

from dataclasses import dataclass
from datetime import datetime

from keepwell.health.health_model import HealthModel
from keepwell.health.score import nano


@dataclass(frozen=True, slots=True)
class HeldBand:
    """`since`: when the band was entered. `pending_since`: when the score went past an edge, without effect yet.

    `raw` is the band the score itself lay in: past the other edge the wait begins anew, and without `raw` it does not.
    `before` is the band that was left for this one, "" where that is not known.
    """

    band: str
    since: datetime
    pending_since: datetime | None = None
    raw: str = ""
    before: str = ""


def raw_band(nano_points: int, model: HealthModel) -> str:
    """The band whose range holds the exact score."""
    return model.bands[_place(nano_points, model)].id


def hold_band(previous: HeldBand | None, nano_points: int, model: HealthModel, now: datetime) -> HeldBand:
    """The band after this score, by the model's hysteresis.

    A band is left when the score is `leave_margin` past its edge, or has been past it for `hold`. A fall past
    a whole band, or into one of `except`, counts at once.
    """
    ids = [band.id for band in model.bands]
    place = _place(nano_points, model)
    if previous is None or previous.band not in ids:
        return HeldBand(ids[place], now, raw=ids[place])
    held = ids.index(previous.band)
    if place == held:
        return HeldBand(previous.band, previous.since, raw=ids[place], before=previous.before)
    is_same_side = previous.raw not in ids or (ids.index(previous.raw) < held) == (place < held)
    pending_since = previous.pending_since if previous.pending_since and is_same_side else now
    rule = model.hysteresis
    edge = nano(model.bands[held if place < held else held + 1].lo)
    is_far = abs(nano_points - edge) >= nano(rule.leave_margin)
    is_grave = place < held - 1 or (place < held and ids[place] in rule.at_once)
    if is_far or is_grave or now - pending_since >= rule.hold:
        return HeldBand(ids[place], now, raw=ids[place], before=previous.band)
    return HeldBand(previous.band, previous.since, pending_since, ids[place], previous.before)


def _place(nano_points: int, model: HealthModel) -> int:
    if model.edges == "lower_inclusive":
        reached = [nano(band.lo) <= nano_points for band in model.bands]
    else:
        reached = [nano(band.lo) < nano_points for band in model.bands]
    return max(sum(reached) - 1, 0)
