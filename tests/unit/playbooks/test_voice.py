"""One voice per contact: what leaves, what waits until when, and what is left out, in sentences."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest

from keepwell.base.business_time import Calendar
from keepwell.base.errors import PackageError
from keepwell.health.package import PackageText
from keepwell.playbooks.check import inspect_with_playbooks
from keepwell.playbooks.voice import Candidate, Said, Standing, Verdict, Voice, judge, load_voice
from tests.unit.playbooks.world import package

# A Monday, at noon.
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
USUAL = Voice()


def mail(touch: int = 1, **more: object) -> Candidate:
    plain: dict[str, object] = {
        "touch": touch, "enrolment": touch, "contact": 7, "channel": "mail", "purpose": "retention", "priority": 50,
        "due_at": NOON, "late_at": NOON + 30 * DAY, "late": "ask", "is_approved": False, "calendar": Calendar(),
    }  # fmt: skip
    return Candidate(**{**plain, **more})  # type: ignore[arg-type]


def standing(**more: bool) -> Standing:
    plain = {"is_opted_out": False, "has_address": True, "is_over": False, "is_falling": False}
    return Standing(**{**plain, **more})


def said(*ages: timedelta, enrolment: int = 99, is_automatic: bool = True) -> list[Said]:
    return [Said(at=NOON - age, enrolment=enrolment, is_automatic=is_automatic) for age in ages]


def verdicts(
    *candidates: Candidate, before: Sequence[Said] = (), voice: Voice = USUAL, now: datetime = NOON, **more: bool
) -> list[Verdict]:
    """In the order in which the candidates were given."""
    touches = [one.touch for one in candidates]
    found = judge(candidates, dict.fromkeys(touches, standing(**more)), {7: before}, dict.fromkeys(touches, voice), now)
    assert set(found) == set(touches)
    return [found[touch] for touch in touches]


def verdict(one: Candidate, **more: object) -> Verdict:
    return verdicts(one, **more)[0]  # type: ignore[arg-type]


def test_a_message_that_nothing_is_against_leaves() -> None:
    assert verdict(mail()) == Verdict("leave")


def test_a_contact_gets_two_automatic_messages_in_a_week() -> None:
    before = said(6 * DAY, 2 * DAY)
    assert verdict(mail(), before=before) == Verdict("hold", "cap", NOON + DAY)
    assert verdict(mail(), before=said(8 * DAY, 2 * DAY)) == Verdict("leave")


def test_a_week_is_over_exactly_seven_days_later() -> None:
    tick = timedelta(microseconds=1)
    assert verdict(mail(), before=said(7 * DAY, 2 * DAY)) == Verdict("leave")
    assert verdict(mail(), before=said(7 * DAY - tick, 2 * DAY)) == Verdict("hold", "cap", NOON + tick)


def test_more_than_the_cap_before_waits_until_one_fits() -> None:
    before = said(6 * DAY, 5 * DAY, 4 * DAY, 3 * DAY)
    assert verdict(mail(), before=before) == Verdict("hold", "cap", NOON + 3 * DAY)


def test_a_day_passes_between_messages_of_two_enrolments_but_not_of_one() -> None:
    assert verdict(mail(), before=said(4 * HOUR)) == Verdict("hold", "cool_down", NOON + 20 * HOUR)
    assert verdict(mail(), before=said(DAY)) == Verdict("leave")
    assert verdict(mail(), before=said(4 * HOUR, enrolment=1)) == Verdict("leave")


def test_what_somebody_said_yes_to_is_neither_capped_nor_counted() -> None:
    approved = mail(is_approved=True)
    assert verdict(approved, before=said(3 * HOUR, 2 * HOUR, HOUR)) == Verdict("leave")
    assert verdict(mail(), before=said(3 * HOUR, 2 * HOUR, HOUR, is_automatic=False)) == Verdict("leave")
    assert verdicts(mail(1, is_approved=True, priority=90), mail(2)) == [Verdict("leave"), Verdict("leave")]


def test_what_a_clock_set_back_makes_of_the_future_counts() -> None:
    assert verdict(mail(), before=said(-2 * HOUR)) == Verdict("hold", "cool_down", NOON + 26 * HOUR)


def test_quiet_hours_are_those_of_the_contacts_clock() -> None:
    tokyo, new_york = Calendar(zone="Asia/Tokyo"), Calendar(zone="America/New_York")
    assert verdict(mail(calendar=tokyo)) == Verdict("hold", "quiet_hours", NOON + 11 * HOUR)
    assert verdict(mail(calendar=new_york)) == Verdict("leave")
    assert verdict(mail(calendar=tokyo, is_approved=True)) == Verdict("hold", "quiet_hours", NOON + 11 * HOUR)
    assert verdict(mail(calendar=tokyo), voice=Voice(quiet_hours="")) == Verdict("leave")


@pytest.mark.parametrize(
    ("hour", "minute", "until"),
    [(19, 59, None), (20, 0, 12 * 60), (23, 59, 8 * 60 + 1), (0, 0, 8 * 60), (7, 59, 1), (8, 0, None)],
)
def test_quiet_hours_begin_at_once_and_end_on_the_minute(hour: int, minute: int, until: int | None) -> None:
    now = NOON.replace(hour=hour, minute=minute)
    expected = Verdict("leave") if until is None else Verdict("hold", "quiet_hours", now + timedelta(minutes=until))
    assert verdict(mail(late_at=now + 9 * DAY), now=now) == expected


def test_quiet_hours_may_lie_in_the_middle_of_the_day() -> None:
    assert verdict(mail(), voice=Voice(quiet_hours="11:30-13:15")) == Verdict(
        "hold", "quiet_hours", NOON + timedelta(minutes=75)
    )


@pytest.mark.parametrize(
    ("zone", "hours", "now", "until"),
    [
        # Clocks go forward over the end: the first instant after the gap.
        ("Europe/Berlin", "20:00-02:30", "2026-03-29 00:30", "2026-03-29 01:00"),
        # The night of the change is an hour shorter, and eight o'clock stays eight o'clock.
        ("Europe/Berlin", "20:00-08:00", "2026-03-28 21:00", "2026-03-29 06:00"),
        # Clocks go back over the end: the first of the two, and quiet again in the second until it comes again.
        ("Europe/Berlin", "20:00-02:30", "2026-10-24 23:00", "2026-10-25 00:30"),
        ("Europe/Berlin", "20:00-02:30", "2026-10-25 01:10", "2026-10-25 01:30"),
        # A day that was left out.
        ("Pacific/Apia", "20:00-08:00", "2011-12-30 08:00", "2011-12-30 18:00"),
    ],
)
def test_quiet_hours_end_right_when_clocks_change(zone: str, hours: str, now: str, until: str) -> None:
    asked, expected = (datetime.fromisoformat(f"{at}Z") for at in (now, until))
    one = mail(calendar=Calendar(zone=zone), due_at=asked, late_at=asked + 9 * DAY)
    assert verdict(one, voice=Voice(quiet_hours=hours), now=asked) == Verdict("hold", "quiet_hours", expected)


def test_a_hold_that_would_end_at_night_ends_in_the_morning() -> None:
    before = [Said(at=NOON - 15 * HOUR, enrolment=99, is_automatic=True)]
    held = verdict(mail(), before=before)
    assert held == Verdict("hold", "cool_down", NOON.replace(hour=21) + 11 * HOUR)


def test_at_night_the_rule_that_is_over_last_is_named() -> None:
    night = NOON.replace(hour=22)
    soon = [Said(at=night - 20 * HOUR, enrolment=99, is_automatic=True)]
    later = [Said(at=night - 10 * HOUR, enrolment=99, is_automatic=True)]
    assert verdict(mail(), before=soon, now=night) == Verdict("hold", "quiet_hours", night + 10 * HOUR)
    assert verdict(mail(), before=later, now=night) == Verdict("hold", "cool_down", night + 14 * HOUR)


@pytest.mark.parametrize(
    ("late", "is_approved", "found"),
    [
        ("skip", False, Verdict("suppress", "too_late")),
        ("skip", True, Verdict("suppress", "too_late")),
        ("ask", False, Verdict("ask", "too_late")),
        ("ask", True, Verdict("leave")),
        ("send", False, Verdict("leave")),
    ],
)
def test_what_is_too_late_obeys_its_policy(late: str, is_approved: bool, found: Verdict) -> None:
    one = mail(late=late, is_approved=is_approved, late_at=NOON - HOUR)
    assert verdict(one) == found
    assert verdict(mail(late=late, late_at=NOON)) == Verdict("leave")


@pytest.mark.parametrize(
    ("late", "act"), [("skip", "suppress"), ("ask", "ask"), ("send", "hold")]
)  # fmt: skip
def test_what_fits_only_when_it_is_too_late_is_not_held_for_nothing(late: str, act: str) -> None:
    one = mail(late=late, late_at=NOON + 10 * HOUR)
    cooled = verdict(one, before=said(HOUR))
    assert (cooled.act, cooled.because) == (act, "cool_down")
    capped = verdict(one, before=said(6 * DAY, 5 * DAY))
    assert (capped.act, capped.because) == (act, "cap")
    just = mail(late=late, late_at=NOON + 23 * HOUR)
    assert verdict(just, before=said(HOUR)) == Verdict("hold", "cool_down", NOON + 23 * HOUR)


def test_the_end_and_an_opt_out_win_over_everything() -> None:
    for one in (mail(is_approved=True), mail(channel="in_app"), mail(late_at=NOON - DAY, late="send")):
        assert verdict(one, is_opted_out=True) == Verdict("suppress", "opted_out")
        assert verdict(one, is_opted_out=True, is_over=True) == Verdict("suppress", "enrolment_over")
    assert verdict(mail(), is_opted_out=True, has_address=False) == Verdict("suppress", "opted_out")


def test_without_an_address_only_the_product_can_show_something() -> None:
    assert verdict(mail(), has_address=False) == Verdict("suppress", "no_address")
    assert verdict(mail(contact=None)) == Verdict("suppress", "no_address")
    assert verdict(mail(channel="in_app", contact=None), has_address=False) == Verdict("leave")


def test_what_the_product_shows_waits_for_nothing_and_is_not_counted() -> None:
    night = NOON.replace(hour=22)
    shown = mail(1, channel="in_app", priority=90)
    assert verdict(shown, before=said(HOUR, 2 * HOUR, 3 * HOUR), now=night) == Verdict("leave")
    assert verdicts(shown, mail(2)) == [Verdict("leave"), Verdict("leave")]


def test_nothing_is_sold_to_an_account_that_is_falling() -> None:
    for channel in ("mail", "in_app"):
        one = mail(purpose="expansion", channel=channel, is_approved=True)
        assert verdict(one, is_falling=True) == Verdict("suppress", "account_at_risk")
    assert verdict(mail(purpose="service"), is_falling=True) == Verdict("leave")
    assert verdict(mail(purpose="expansion")) == Verdict("leave")


def test_service_comes_before_retention_and_that_before_expansion() -> None:
    low = mail(1, purpose="expansion", priority=100)
    middle = mail(2, purpose="retention", priority=60)
    high = mail(3, purpose="service", priority=1)
    assert [one.act for one in verdicts(low, middle, high)] == ["hold", "hold", "leave"]
    assert [one.act for one in verdicts(low, middle)] == ["hold", "leave"]


def test_then_come_the_higher_priority_what_was_due_first_and_the_lower_number() -> None:
    assert [one.act for one in verdicts(mail(1, priority=10), mail(2, priority=90))] == ["hold", "leave"]
    assert [one.act for one in verdicts(mail(1), mail(2, due_at=NOON - HOUR))] == ["hold", "leave"]
    assert [one.act for one in verdicts(mail(2), mail(1))] == ["hold", "leave"]


def test_contacts_are_apart() -> None:
    assert [one.act for one in verdicts(mail(1), mail(2, contact=8), mail(3))] == ["leave", "leave", "hold"]


def test_the_usual_voice_holds_where_a_package_says_nothing() -> None:
    found = load_voice(package())
    assert found == Voice()
    assert (found.most_messages, found.within, found.cool_down) == (2, 7 * DAY, DAY)
    assert found.quiet_hours == "20:00-08:00"


@pytest.mark.parametrize("name", ["saas", "crypto"])
def test_the_shipped_packages_write_the_usual_voice_out(name: str) -> None:
    written = (files("keepwell") / "models" / name / "voice.yaml").read_text(encoding="utf-8")
    assert load_voice(PackageText(name, {"voice.yaml": written})) == Voice()
    assert all(f"\n{key}: " in written for key in Voice.model_fields)


def test_the_example_of_the_document_is_the_usual_voice() -> None:
    text = (Path(__file__).parents[3] / "docs" / "playbooks.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n# voice.yaml\n(.*?)```", text, re.DOTALL)
    assert load_voice(PackageText("docs", {"voice.yaml": example})) == Voice()
    assert not [key for key in Voice.model_fields if f"`{key}`" not in text]


def test_a_package_may_say_otherwise() -> None:
    text = PackageText("p", {"voice.yaml": 'most_messages: 1\nwithin: 14d\ncool_down: 0d\nquiet_hours: ""\n'})
    found = load_voice(text)
    assert verdict(mail(), voice=found, before=said(13 * DAY)) == Verdict("hold", "cap", NOON + DAY)
    assert verdict(mail(enrolment=1), voice=Voice(cool_down=timedelta(0)), before=said(HOUR)) == Verdict("leave")


WRONG = {
    "most_messages: 0\n": "p/voice.yaml:1: 'most_messages' must be at least 1, not 0.",
    "most_messages: 2.5\n": "p/voice.yaml:1: 'most_messages' must be a whole number, not 2.5.",
    "within: 7\n": (
        "p/voice.yaml:1: 7 is not a period; expected a whole number and m, h, d or w, such as '24h' or '30d'. "
        "Write '7d' for days."
    ),
    "\nquiet: none\n": "p/voice.yaml:2: unknown key 'quiet'. Did you mean 'quiet_hours'?",
    'quiet_hours: "8-20"\n': (
        "p/voice.yaml:1: 'quiet_hours' must be hours with a beginning and another end, such as '20:00-08:00', "
        "or '' for none, not '8-20'."
    ),
    'quiet_hours: "08:00-08:00"\n': (
        "p/voice.yaml:1: 'quiet_hours' must be hours with a beginning and another end, such as '20:00-08:00', "
        "or '' for none, not '08:00-08:00'."
    ),
    "": "p/voice.yaml:1: the file is empty; expected keys and values.",
    "- 1\n": "p/voice.yaml:1: the file must be a mapping of keys and values, not a list.",
}


@pytest.mark.parametrize("written", WRONG)
def test_a_file_that_cannot_be_read_is_refused_with_its_line(written: str) -> None:
    with pytest.raises(PackageError) as refused:
        load_voice(PackageText("p", {"voice.yaml": written}))
    assert str(refused.value).splitlines()[-1].strip() == WRONG[written]


def test_everything_wrong_is_told_at_once() -> None:
    text = PackageText("p", {"voice.yaml": "most_messages: none\nwithin: 7d\ncool_down: soon\nwithin: 8d\n"})
    with pytest.raises(PackageError) as refused:
        load_voice(text)
    assert {problem.line for problem in refused.value.problems} == {1, 3, 4}


def test_checking_a_package_reads_its_voice() -> None:
    base = package()
    found = inspect_with_playbooks(PackageText(base.folder, {**base.files, "voice.yaml": "most_messages: 0\n"}), {})
    told = [str(issue) for issue in found if "voice.yaml" in issue.file]
    assert len(told) == 1
    assert told[0].endswith("voice.yaml:1: 'most_messages' must be at least 1, not 0.")
