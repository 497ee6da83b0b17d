"""The playbooks that the simulation runs: two for falls, one that sells, one that needs a yes."""

from typing import Final

RULES: Final = """\
starts_on: {signal}
priority: {priority}
while_open: true
approval: none
late: {late}
grace: 12h
again_after: 20d
roles: [coach]
"""
PLAYBOOKS: Final = {
    "mild": "title: Mild\n"
    + RULES.format(signal="weak", priority=50, late="skip")
    + """\
goal: {score: {at_least: 70}}
holdout: 0.1
steps:
  - {id: first, kind: message, title: First, template: again, after: 0m}
  - {id: notice, kind: in_app, title: Notice, template: again, after: day 1 at 09:00}
  - {id: second, kind: message, title: Second, template: again, after: day 2 at 02:30, only_if: {no_response: true}}
  - {id: third, kind: message, title: Third, template: again, after: day 7 at 09:00}
""",
    "rescue": "title: Rescue\n"
    + RULES.format(signal="critical", priority=90, late="ask")
    + """\
supersedes: [mild]
steps:
  - {id: letter, kind: message, title: Letter, template: signed, from: coach, approval: coach, after: 0m}
  - {id: hour, kind: message, title: After an hour, template: again, after: 1h}
  - {id: day, kind: message, title: After a day, template: again, after: 24h, only_if: {no_response: true}}
  - {id: call, kind: task, title: Call, role: coach, after: 36h}
  - {id: days, kind: message, title: After two days, template: again, after: 48h, only_if: {no_response: true}}
""",
    "sell": "title: Sell\n"
    + RULES.format(signal="seats", priority=30, late="send")
    + """\
steps:
  - {id: offer, kind: message, title: Offer, template: more, after: 0m}
  - {id: reminder, kind: message, title: Reminder, template: more, after: day 3 at 10:00}
""",
}
VOICE: Final = "most_messages: 2\nwithin: 7d\ncool_down: 24h\nquiet_hours: '20:00-08:00'\n"
ZONES: Final = (
    "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC", "Pacific/Kiritimati",
)  # fmt: skip
