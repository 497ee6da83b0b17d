"""Playbooks that checks look at, line by line."""

from tests.unit.playbooks.world import HEAD


def one(steps: str, more: str = "") -> str:
    return f"{HEAD}{more}steps:\n{steps}"


def step(name: str, rest: str) -> str:
    return f"  - {{id: {name}, title: T, {rest}}}\n"


MAIL = step("mail", "kind: message, template: hello, after: 1h")
OFFER = step("offer", "kind: offer, offers: [gift], after: 0m")
GIFT = "offers: {gift: {title: Gift, valid_for: 3d}}\n"
EXPIRED = "'offer' makes it after 0m and it stands for 3d. Mention it earlier, or let it stand longer."
