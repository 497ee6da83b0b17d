"""Every check of playbooks: what it says, and where; and what cannot be read."""

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from keepwell.base.registry import kinds
from keepwell.health.package import PackageText
from keepwell.playbooks.check import PlaybookCheck, check_playbooks, inspect_with_playbooks
from keepwell.playbooks.load import read_playbooks, template_ids
from keepwell.playbooks.offset import FORMS
from keepwell.playbooks.template import TemplateHead
from tests.unit.playbooks.check_lines import EXPIRED, GIFT, MAIL, OFFER, one, step
from tests.unit.playbooks.further_check_cases import FURTHER, FURTHER_GOOD
from tests.unit.playbooks.world import HEAD, book, package, signals

TASK = "  - {id: call, kind: task, title: Call, after: 1h}\n"


FORK = step("fork", "kind: branch, after: 1h, ways: [{path: deep, only_if: {no_response: true}}]")

FAR = "Monday 08:00 with the team in America/Los_Angeles and the contact in UTC."
IN_ORDER = " Offsets count from the enrolment; put the steps in order."
# By check: playbooks by id, and what is said of them.
CASES = {
    "known_signals": [
        (
            {"one": one(TASK).replace("starts_on: fell", "starts_on: [silent, fel]")},
            "playbooks/one.yaml:2: unknown signal 'fel'. Did you mean 'fell'?",
        ),
    ],
    "known_roles": [
        (
            {
                "one": one(
                    step("a", "kind: task, role: ceo, after: 1h") + step("b", "kind: task, role: ceoo, after: 1h"),
                    "roles: [ceo]\n",
                )
            },
            "playbooks/one.yaml:7: unknown role 'ceoo'. Did you mean 'ceo'?",
        ),
        (
            {"one": one(step("call", "kind: task, after: 1h, approval: cfo"))},
            "playbooks/one.yaml:5: unknown role 'cfo'. Known: csm, admin.",
        ),
        (
            {"one": one(step("crm", "kind: webhook, to: [crm, crmm], after: 1h"), "roles: [crm]\n")},
            "playbooks/one.yaml:6: unknown role 'crmm'. Did you mean 'crm'?",
        ),
        (
            {"one": one(TASK, "roles: [ceo]\n")},
            "playbooks/one.yaml:4: warning: no step names the role 'ceo'; leave it out.",
        ),
    ],
    "known_templates": [
        (
            {"one": one(MAIL.replace("hello", "helo"))},
            "playbooks/one.yaml:5: unknown template 'helo'. Did you mean 'hello'?",
        ),
    ],
    "known_playbooks": [
        (
            {"one": one(TASK, "supersedes: [two]\n")},
            "playbooks/one.yaml:4: unknown playbook 'two'. Known: one.",
        ),
        (
            {"one": one(step("on", "kind: enrol, playbook: tow, after: 1h")), "two": one(TASK).replace("10", "11")},
            "playbooks/one.yaml:5: unknown playbook 'tow'. Did you mean 'two'?",
        ),
        (
            {"one": one(TASK, "supersedes: [two]\n"), "two": one(TASK, "supersedes: [one]\n").replace("10", "11")},
            "playbooks/one.yaml:4: playbooks supersede each other in a circle: one → two → one.",
        ),
    ],
    "known_conditions": [
        (
            {"one": one(step("call", "kind: task, after: 1h, only_if: {metric: {seat: 5}}"))},
            "playbooks/one.yaml:5: 'one.steps.call.only_if': unknown metric 'seat'. Did you mean 'seats'?",
        ),
        (
            {"one": one(TASK, "goal: {band: hihg}\n")},
            "playbooks/one.yaml:4: 'one.goal': unknown band 'hihg'. Did you mean 'high'?",
        ),
        (
            {"one": one(TASK, "exits:\n  left: {event: {events: [gone]}}\n")},
            "playbooks/one.yaml:5: 'one.exits.left': unknown event 'gone'.",
        ),
        (
            {"one": one(OFFER, "offers: {gift: {title: G, valid_for: 3d, eligible: {segment: rich}}}\n")},
            "playbooks/one.yaml:4: 'one.offers.gift.eligible': unknown segment 'rich'.",
        ),
        (
            {
                "one": one(
                    FORK.replace("no_response: true", "band: nowhere")
                    + step("call", "kind: task, after: 1h, path: deep")
                )
            },
            "playbooks/one.yaml:5: 'one.steps.fork.ways.0.only_if': unknown band 'nowhere'.",
        ),
    ],
    "own_names": [
        ({"one": one(TASK + TASK)}, "playbooks/one.yaml:6: the id 'call' is given twice; first on line 5."),
        (
            {"one": one(TASK, "exits: {churned: {score: {below: 1}}}\n")},
            "playbooks/one.yaml:4: 'churned' is a reason that every playbook has; call this exit otherwise.",
        ),
        (
            {"one": one(TASK, "arms: {holdout: 1, all: 1}\n")},
            "playbooks/one.yaml:4: 'holdout' is the share that is left alone; call this arm otherwise.",
        ),
    ],
    "clear_priority": [
        (
            {"one": one(TASK), "two": one(TASK)},
            "playbooks/two.yaml:3: 'one' starts on 'fell' with the priority 10 too; raise one of them.",
        ),
    ],
    "rising_offsets": [
        (
            {"one": one(step("late", "kind: task, after: 24h") + step("soon", "kind: task, after: 2h"))},
            "playbooks/one.yaml:6: 'soon' is due after 2h, before 'late' above it (24h)." + IN_ORDER,
        ),
        (
            {"one": one(step("late", "kind: task, after: 48h") + step("soon", "kind: task, after: day 1 at 09:00"))},
            "playbooks/one.yaml:6: 'soon' is due after day 1 at 09:00, before 'late' above it (48h)." + IN_ORDER,
        ),
        (
            {"one": one(step("call", "kind: task, after: 4h, within: 2h"))},
            "playbooks/one.yaml:5: 'call' is due after 4h, when 2h are over.",
        ),
    ],
    "reachable_steps": [
        (
            {"one": one(step("end", "kind: finish, after: 0m") + TASK)},
            "playbooks/one.yaml:6: 'call' is never reached: 'end' above it ends every enrolment.",
        ),
        (
            {"one": one(step("call", "kind: task, after: 1h, arm: shrot"), "arms: {short: 1, long: 1}\n")},
            "playbooks/one.yaml:6: unknown arm 'shrot'. Did you mean 'short'?",
        ),
        (
            {
                "one": one(
                    FORK
                    + step("a", "kind: task, after: 2h, path: deep")
                    + step("call", "kind: task, after: 2h, path: wide")
                )
            },
            "playbooks/one.yaml:7: 'call' is never reached: no branch above leads to the path 'wide'.",
        ),
        ({"one": one(FORK)}, "playbooks/one.yaml:5: 'fork' leads to the path 'deep', which no step below it is on."),
        (
            {"one": one(FORK.replace("1h", "24h") + step("call", "kind: task, after: next_business_day, path: deep"))},
            "playbooks/one.yaml:6: 'call' comes before its branch 'fork' for a start on Monday 10:00; make it later.",
        ),
    ],
    "living_offers": [
        (
            {"one": one(OFFER + MAIL.replace("after", "mentions: [gfit], after"), GIFT)},
            "playbooks/one.yaml:7: unknown offer 'gfit'. Did you mean 'gift'?",
        ),
        (
            {"one": one(MAIL.replace("after", "mentions: [gift], after") + OFFER.replace("0m", "2h"), GIFT)},
            "playbooks/one.yaml:6: 'mail' mentions the offer 'gift', which no step above it makes.",
        ),
        (
            {"one": one(OFFER + MAIL.replace("after: 1h", "mentions: [gift], after: 3d"), GIFT)},
            "playbooks/one.yaml:7: 'mail' mentions the offer 'gift' when it has expired: " + EXPIRED,
        ),
        (
            {
                "one": one(
                    step("offer", "kind: offer, offers: [gift], after: day 1 at 09:00, clock: team")
                    + MAIL.replace("after: 1h", "mentions: [gift], after: day 1 at 10:00"),
                    GIFT,
                )
            },
            "playbooks/one.yaml:7: 'mail' mentions the offer 'gift' before 'offer' makes it, for a start on " + FAR,
        ),
        ({"one": one(TASK, GIFT)}, "playbooks/one.yaml:4: warning: no step makes the offer 'gift'."),
    ],
    "fitting_templates": [
        (
            {"one": one(step("mail", "kind: message, template: hello, from: csm, after: 1h"))},
            (
                "playbooks/one.yaml:5: 'mail' goes in the name of 'csm', but its template 'hello' is signed by nobody; "
                "'from' and 'from_role' must be the same."
            ),
        ),
        (
            {"one": one(step("notice", "kind: in_app, template: goodbye, after: 1h"))},
            (
                "playbooks/one.yaml:5: 'notice' goes in the name of nobody, but its template 'goodbye' is signed by "
                "'csm'; 'from' and 'from_role' must be the same."
            ),
        ),
        (
            {"one": one(OFFER + step("mail", "kind: message, template: goodbye, from: csm, after: 1h"), GIFT)},
            (
                "playbooks/one.yaml:7: the template 'goodbye' of 'mail' speaks of the offer 'gift'; "
                "write 'mentions: [gift]', so that it is sent only while that offer stands."
            ),
        ),
        (
            {
                "one": one(
                    OFFER.replace("gift", "gift, other")
                    + step("mail", "kind: message, template: goodbye, from: csm, mentions: [other, gift], after: 1h"),
                    GIFT.replace("}}", "}, other: {title: Other, valid_for: 3d}}"),
                )
            },
            (
                "playbooks/one.yaml:7: the template 'goodbye' of 'mail' speaks of the offer 'gift'; "
                "write 'mentions: [gift]', so that it is sent only while that offer stands."
            ),
        ),
    ],
}
GOOD = {
    "silence": one(step("a", "kind: task, after: 24h") + step("b", "kind: task, after: next_business_day")),
    "paths": one(
        FORK.replace("]", "], otherwise: mild")
        + step("a", "kind: task, after: 3d, path: deep")
        + step("b", "kind: task, after: 2h, path: mild")
    ),
    "arms": one(
        step("end", "kind: finish, after: 1h, arm: short") + step("a", "kind: task, after: 2h, arm: long"),
        "arms: {short: 1, long: 1}\n",
    ),
    "offer": one(OFFER + MAIL.replace("after: 1h", "mentions: [gift], after: 71h"), GIFT),
    "signed": one(
        OFFER + step("bye", "kind: message, template: goodbye, from: csm, mentions: [gift], after: 1h"), GIFT
    ),
    "another_offer": one(step("bye", "kind: message, template: goodbye, from: csm, after: 1h")),
    "document": one(step("bye", "kind: task, document: goodbye, after: 1h")),
}
HEADS = {
    "hello": TemplateHead(title="Hello", subject="Hello", purpose="service"),
    "goodbye": TemplateHead(title="Goodbye", subject="Goodbye", purpose="service", from_role="csm", offer="gift"),
}


def said(playbooks: dict[str, str]) -> list[str]:
    found = replace(book(**playbooks), templates=frozenset(HEADS), heads=HEADS, links=frozenset({"room"}))
    return [str(issue).removeprefix("models/sample/") for issue in check_playbooks(found)]


@pytest.mark.requirement("X11", "X32")
@pytest.mark.parametrize(
    ("playbooks", "sentence"), [case for cases in (*CASES.values(), *FURTHER.values()) for case in cases]
)
def test_a_check_says_what_is_wrong_and_where(playbooks: dict[str, str], sentence: str) -> None:
    assert said(playbooks) == [sentence]


@pytest.mark.parametrize("name", [*GOOD, *FURTHER_GOOD])
def test_what_is_right_is_left_alone(name: str) -> None:
    assert said({"one": {**GOOD, **FURTHER_GOOD}[name]}) == []


def test_every_check_is_tried() -> None:
    assert CASES.keys() | FURTHER.keys() == kinds("keepwell.playbooks.checks", PlaybookCheck).keys()


def test_without_a_folder_of_templates_nothing_is_said_of_them() -> None:
    assert check_playbooks(book(one=one(MAIL))) == []


def test_templates_are_the_texts_in_their_folder() -> None:
    text = package()
    more = PackageText(
        text.folder, {**text.files, "templates/hello.md": "Hi", "templates/note.txt": "", "hello.md": ""}
    )
    assert template_ids(text) is None
    assert template_ids(more) == {"hello"}


def test_everything_is_told_at_once_with_signals_and_models() -> None:
    text = package(one=one(TASK, "goal: {band: nowhere}\n"), two=one(TASK).replace("task", "taks"))
    broken = PackageText(text.folder, {**text.files, "alerts.yaml": text.files["alerts.yaml"].replace("seats", "seat")})
    assert [str(issue) for issue in inspect_with_playbooks(broken, {}) if issue.level == "error"] == [
        "models/sample/alerts.yaml:3: 'silent': unknown metric 'seat'. Did you mean 'seats'?",
        "models/sample/playbooks/one.yaml:4: 'one.goal': unknown band 'nowhere'.",
        "models/sample/playbooks/two.yaml:5: unknown step kind 'taks'. Did you mean 'task'?",
    ]


SETTINGS = "product: {name: Harbour}\n"
HELLO = "---\ntitle: Hello\nsubject: Hello\npurpose: service\nfrom_role: csm\n---\nHi {{ contact.name }},\n"


def test_templates_are_inspected_with_the_rest_and_their_signatures_compared() -> None:
    text = package(one=one(MAIL))
    texts = {
        "templates/settings.yaml": SETTINGS,
        "templates/hello.md": HELLO,
        "templates/bad.md": HELLO + "\nIt takes 5 days.\n",
    }
    found = inspect_with_playbooks(PackageText(text.folder, {**text.files, **texts}), {})
    assert [str(issue).removeprefix("models/sample/") for issue in found if issue.level == "error"] == [
        (
            "playbooks/one.yaml:5: 'mail' goes in the name of nobody, but its template 'hello' is signed by 'csm'; "
            "'from' and 'from_role' must be the same."
        ),
        (
            "templates/bad.md:9: '5' is a fact written out; show a field instead, such as one of the offer, or list it "
            "under 'terms' in settings.yaml if it is a name."
        ),
    ]


def test_templates_without_settings_are_refused() -> None:
    text = package(one=one(TASK))
    found = inspect_with_playbooks(PackageText(text.folder, {**text.files, "templates/hello.md": HELLO}), {})
    assert [str(issue) for issue in found if issue.level == "error"] == [
        "models/sample/templates/settings.yaml:1: the file is missing; templates need it."
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            one(step("call", "kind: task, after: 4 hours")),
            f"5: '4 hours' does not say when; expected a form such as {FORMS}.",
        ),
        (
            one(step("call", "kind: task, after: 4h, only_if: {no_respons: true}")),
            "5: unknown key 'no_respons'. Did you mean 'no_response'?",
        ),
        (
            one(step("call", "kind: task, after: 4h, only_if: {metrc: {seats: 1}}")),
            "5: unknown key 'metrc'. Did you mean 'metric'?",
        ),
        (
            one(step("call", "kind: task, after: 4h, only_if: {no_response: false}")),
            "5: 'no_response' must be True, not false.",
        ),
        (one(step("call", "kind: task, after: 4h, onyl_if: {}")), "5: unknown key 'onyl_if'. Did you mean 'only_if'?"),
        (
            one(step("call", "kind: task, after: 4h, late: maybe")),
            "5: 'late' must be 'send', 'skip' or 'ask', not 'maybe'.",
        ),
        (one(TASK, "holdout: 1\n"), "4: 'holdout' must be at most 0.9, not 1."),
        (one(TASK, "goal: {scoer: {at_least: 5}}\n"), "4: unknown key 'scoer'. Did you mean 'score'?"),
        (HEAD + "steps: []\n", "4: 'steps' must have at least 1 entries, not 0."),
        (
            one(TASK, GIFT.replace("3d", "0d")),
            "4: an offer must stand for some time; expected a period above 0 such as '14d'.",
        ),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(text: str, sentence: str) -> None:
    reading = read_playbooks(package(one=text), signals())
    assert [str(problem) for problem in reading.problems] == [f"models/sample/playbooks/one.yaml:{sentence}"]


def test_an_empty_only_if_asks_for_something() -> None:
    reading = read_playbooks(package(one=one(step("call", "kind: task, after: 4h, only_if: {}"))), signals())
    (problem,) = reading.problems
    assert "a condition must ask for something; expected one of" in problem.sentence
    assert "no_response" in problem.sentence
    assert "band_entered" in problem.sentence


def test_the_name_of_a_file_is_an_id() -> None:
    text = package()
    reading = read_playbooks(PackageText("p", {**text.files, "playbooks/My-plan.yaml": one(TASK)}), signals())
    (problem,) = reading.problems
    assert str(problem).startswith("p/playbooks/My-plan.yaml:1: the name of a playbook's file must be small letters")


def test_each_check_and_each_step_tells_its_readers_what_it_is() -> None:
    root = Path(str(files("keepwell") / "playbooks"))
    silent = [
        path.name
        for folder in ("checks", "steps", "gates")
        for path in (root / folder).glob("*.py")
        if path.name != "__init__.py" and not path.read_text(encoding="utf-8").startswith('"""')
    ]
    assert silent == []
