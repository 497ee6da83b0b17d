"""How messages and steps are shown on every page: the word and shape of a state, and a message as one line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from keepwell.jobs.read_timeline import StepState
from keepwell.jobs.touch_shape import address_of, why_told
from keepwell.store.models import Touch
from keepwell.web.pages.signal_face import WordFace

# Word and shape; the colour is that of the tier.
TOUCH_FACES: Final[Mapping[str, WordFace]] = {
    "draft": WordFace("Being written", "unknown"),
    "asked": WordFace("Waits for a yes", "watch"),
    "todo": WordFace("Waits", "stable"),
    "claimed": WordFace("On its way", "stable"),
    "sent": WordFace("Sent", "grow"),
    "failed": WordFace("Failed", "act"),
    "unknown": WordFace("Unknown", "emergency"),
    "suppressed": WordFace("Not sent", "unknown"),
}
HELD_BACK: Final = WordFace("Held back", "watch")
STEP_FACES: Final[Mapping[StepState, WordFace]] = {
    "done": WordFace("Done", "grow"),
    "waiting": WordFace("Waiting", "stable"),
    "asked": TOUCH_FACES["asked"],
    "held_back": HELD_BACK,
    "to_come": WordFace("To come", "unknown"),
    "skipped": WordFace("Skipped", "unknown"),
    "suppressed": TOUCH_FACES["suppressed"],
    "failed": TOUCH_FACES["failed"],
    "unknown": TOUCH_FACES["unknown"],
}


@dataclass(frozen=True, slots=True)
class TouchLine:
    """`moment` is when it was settled, else when it is due; `moment_word` says which."""

    touch: Touch
    face: WordFace
    to: str
    why: str
    moment: datetime
    moment_word: str


def touch_face(touch: Touch) -> WordFace:
    if touch.state == "todo" and touch.held_because:
        return HELD_BACK
    return TOUCH_FACES[touch.state]


def touch_lines(touches: Sequence[Touch]) -> list[TouchLine]:
    return [
        TouchLine(
            touch=touch,
            face=touch_face(touch),
            to=address_of(touch),
            why=why_told(touch),
            moment=touch.settled_at or touch.due_at,
            moment_word="settled" if touch.settled_at else "due",
        )
        for touch in touches
    ]
