"""A program is told: an event about the account goes to the webhooks that take what is told to the roles in `to`.

`event` is its name, `keepwell.playbook.step` without it. With the account, its score and band, the playbook and the
step it carries `data`, up to 20 values as they stand here. Where no webhook takes it, the step says so.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr

from keepwell.base.shape import DOTTED_NAME, Name
from keepwell.facts.notice_entry import STEP_NAME
from keepwell.playbooks.decision import PostEvent
from keepwell.playbooks.step import Due, Outcome, Step

MOST_VALUES: Final = 20
Text = Annotated[StrictStr, Field(max_length=1_000)]


class Webhook(Step):
    kind: Literal["webhook"] = "webhook"
    to: Annotated[tuple[Name, ...], Field(min_length=1)]
    event: Annotated[StrictStr, Field(pattern=DOTTED_NAME, max_length=100)] = STEP_NAME
    data: Annotated[Mapping[Name, Text | StrictBool | StrictInt | StrictFloat], Field(max_length=MOST_VALUES)] = Field(
        default={}
    )

    def roles(self) -> Sequence[str]:
        return self.to

    def outcome(self, due: Due) -> Outcome:
        score, band = due.facts.score_and_band()
        return Outcome((PostEvent(due.origin, self.to, self.event, self.title, score, band, dict(self.data)),))
