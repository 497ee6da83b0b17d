"""Every source of a field, from the settings as text: what it says, and when it says nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from keepwell.base.registry import kinds
from keepwell.base.shape import read_shape
from keepwell.base.yaml_source import read_yaml
from keepwell.facts.item_count import ItemCount, OpenItem
from keepwell.playbooks.field_facts import AccountFacts, FieldFacts, Peer, ScoreFacts
from keepwell.playbooks.field_source import FOLDER, FieldSource, SourcePackage
from keepwell.playbooks.template_book import TemplateText, inspect_names, inspect_templates, load_templates
from keepwell.playbooks.template_field import Value
from keepwell.playbooks.template_settings import TemplateSettings
from tests.packages.shipped import shipped
from tests.unit.playbooks.template_world import text_of

NOW = datetime(2026, 11, 28, 23, 30, tzinfo=UTC)
TEXTS = """\
product: {name: Harbour}
features:
  boards: {title: Boards}
  exports: {title: Exports, tip: Let the export run at night}
  forms: {title: Forms, tip: Take requests in by a form}
  forecasts: {title: Forecasts, plans: [enterprise], tip: Ask the forecast}
saved_time:
  - {events: [feature_used], where: {feature: exports}, title: export, minutes: 10}
  - {events: [invite_sent], title: invite, minutes: 2.5}
hourly_rate: {EUR: 40}
stories:
  - {title: A carrier, result: An afternoon, industries: [logistics]}
  - {title: Anybody, result: Less copying}
groups:
  - {title: Movers, industries: [logistics]}
  - {title: First steps}
  - {title: Large ones, plans: [enterprise]}
"""
ACCOUNT = AccountFacts(
    industry="logistics", plan="team", plan_title="Team", plan_above="business", plan_above_title="Business",
    currency="EUR", mrr=Decimal(500),
)  # fmt: skip
FACTS = FieldFacts(now=NOW, zone=ZoneInfo("Europe/Berlin"), account=ACCOUNT)
LONG_AGO, LATELY = NOW - timedelta(days=400), NOW - timedelta(days=3)


def read(field: str, texts: str = TEXTS) -> tuple[FieldSource, SourcePackage]:
    """The source of the field `it`, which is given as it stands behind the colon."""
    source = read_yaml("settings.yaml", f"{texts}usage:\n  it: {field}\n")
    settings, problems, _ = read_shape(TemplateSettings, source)
    assert settings is not None, problems
    package = settings.source_package(shipped("saas").metrics)
    return package.sources["it"], package


def value(
    kind: str, facts: FieldFacts = FACTS, sort: str = "number", sample: str = "1", more: str = ""
) -> Value | None:
    field = f"{{type: {sort}, about: x, sample: {sample}, source: {{kind: {kind}}}}}\n{more}"
    source, package = read(field)
    assert list(source.problems(package)) == []
    return source.value(facts, package)


def features(**uses: int) -> FieldFacts:
    items = {name: ItemCount(times, LONG_AGO) for name, times in uses.items()}
    return replace(FACTS, items={"uses": items}, told=frozenset({"boards", "exports", "forms", "forecasts"}))


def peers(*values: float, same: int = 0) -> tuple[Peer, ...]:
    return tuple(Peer(at < same, {"value": one}) for at, one in enumerate(values))


@pytest.mark.requirement("A088")
@pytest.mark.parametrize(
    ("share", "growth", "day"),
    [
        # From 0.8 × 5/6 to 0.8 in 30 days leaves 45 days for the rest; Berlin is in the next day already.
        (0.8, 0.2, "2027-01-13"),
        (0.99, 1.0, "2026-11-30"),
        (0.8, 0.0, None),
        (0.8, -0.2, None),
        (1.0, 0.2, None),
        (0.2, 0.2, None),
        (0.8, None, None),
        (None, 0.2, None),
    ],
)
def test_the_limit_is_reached_where_a_straight_line_meets_it(
    share: float | None, growth: float | None, day: str | None
) -> None:
    known = {name: one for name, one in (("share", share), ("growth", growth)) if one is not None}
    found = value("limit_date, metric: plan_utilization_rate", replace(FACTS, values=known), "date", "'2027-01-01'")
    assert found == day


def test_how_far_ahead_a_limit_is_told_is_set() -> None:
    facts = replace(FACTS, values={"share": 0.8, "growth": 0.2})
    asked = "limit_date, metric: plan_utilization_rate, horizon_days: {}"
    assert value(asked.format(45), facts, "date", "'2027-01-01'") == "2027-01-13"
    assert value(asked.format(44), facts, "date", "'2027-01-01'") is None


@pytest.mark.requirement("B122")
def test_unused_features_are_those_of_the_plan_that_others_use() -> None:
    asked = "unused_features, metric: feature_adoption_depth, at_least: 20"
    assert value(asked, features(boards=20), "texts", "[A]") == ["Exports", "Forms"]
    assert value(asked, features(boards=19), "texts", "[A]") is None
    assert value(asked, features(boards=9, exports=9, forms=9), "texts", "[A]") is None
    assert value(f"{asked}, most: 1", features(boards=20), "texts", "[A]") == ["Exports"]
    unheard = replace(features(boards=20), told=frozenset({"boards", "forms"}))
    assert value(asked, unheard, "texts", "[A]") == ["Forms"]
    larger = replace(features(boards=20), account=replace(ACCOUNT, plan="enterprise"))
    assert value(asked, larger, "texts", "[A]") == ["Exports", "Forms", "Forecasts"]


def test_tips_are_those_of_features_that_are_not_used() -> None:
    asked = "tips, metric: feature_adoption_depth"
    assert value(asked, features(boards=15, exports=5), "texts", "[A]") == ["Take requests in by a form"]
    assert value(asked, features(exports=15, forms=5), "texts", "[A]") is None


def test_the_most_used_come_first_and_unnamed_features_are_passed_over() -> None:
    asked = "used_most, metric: feature_adoption_depth"
    assert value(asked, features(boards=3, forms=30, secret=99), "texts", "[A]") == ["Forms", "Boards"]
    assert value(asked, features(secret=99), "texts", "[A]") is None
    assert value(asked, features(boards=3), "texts", "[A]") is None


def test_new_features_are_new_to_an_account_that_is_not_new() -> None:
    asked = "new_features, metric: feature_adoption_depth"
    old, new = ItemCount(30, LONG_AGO), ItemCount(2, LATELY)
    facts = replace(FACTS, items={"uses": {"boards": old, "forms": new, "secret": new}})
    assert value(asked, facts, "texts", "[A]") == ["Forms"]
    young = replace(FACTS, items={"uses": {"boards": replace(old, first_at=LATELY), "forms": new}})
    assert value(asked, young, "texts", "[A]") is None


@pytest.mark.requirement("B127", "A093")
def test_a_comparison_needs_ten_others_and_prefers_the_same_industry() -> None:
    nine, ten = replace(FACTS, peers=peers(*range(9))), replace(FACTS, peers=peers(*range(10)))
    asked = "{}, metric: feature_adoption_depth"
    for kind, sort, sample in (("peers", "number", "1"), ("peer_median", "share", "1"), ("peer_group", "text", "x")):
        assert value(asked.format(kind), nine, sort, sample) is None
    assert value(asked.format("peers"), ten) == 10
    assert value(asked.format("peer_median"), ten) == 4.5
    assert value(asked.format("peer_group"), ten, "text", "x") == "on the Team plan"
    same = replace(FACTS, peers=peers(*[1.0] * 10, *[9.0] * 30, same=10))
    assert value(asked.format("peers"), same) == 10
    assert value(asked.format("peer_median"), same) == 1
    assert value(asked.format("peer_group"), same, "text", "x") == "on the Team plan in logistics"
    few = replace(FACTS, peers=peers(*[1.0] * 9, *[9.0] * 30, same=9))
    assert value(asked.format("peers"), few) == 39
    unknown = replace(FACTS, peers=tuple(Peer(False, {}) for _ in range(50)))
    assert value(asked.format("peers"), unknown) is None


def test_a_group_so_small_that_one_could_be_told_from_it_is_refused() -> None:
    with pytest.raises(AssertionError, match="'at_least' must be at least 10"):
        value("peers, metric: feature_adoption_depth, at_least: 9")
    with pytest.raises(AssertionError, match="either a 'metric' of the package or a 'field'"):
        value("peers")


@pytest.mark.requirement("A093")
def test_accounts_on_the_plan_above_are_compared_by_their_own_saved_hours() -> None:
    hours = "  hours: {type: number, about: x, sample: 1, source: hours_saved}\n"
    some = replace(FACTS, peers=tuple(Peer(False, {"n0": 6.0 * at}) for at in range(1, 13)))
    found = value("peer_median, field: hours, plan: above", some, more=hours)
    # Hours 1 to 12: the middle lies between six and seven.
    assert found == 6.5


@pytest.mark.requirement("A092", "B126")
def test_saved_hours_and_their_worth_are_minutes_and_rates_that_somebody_set() -> None:
    facts = replace(FACTS, values={"n0": 60.0, "n1": 24.0})
    assert value("hours_saved", facts) == 11
    assert value("hours_value", facts) == Decimal(440)
    assert value("hours_saved", replace(FACTS, values={"n0": 2.0})) is None
    assert value("hours_saved", FACTS) is None
    dollars = replace(facts, account=replace(ACCOUNT, currency="USD"))
    assert value("hours_saved", dollars) == 11
    assert value("hours_value", dollars) is None


@pytest.mark.requirement("A092")
def test_what_the_worth_rests_on_is_told_with_every_assumption() -> None:
    worth = "  worth: {type: number, about: x, sample: 1, source: hours_value}\n"
    facts = replace(FACTS, values={"n0": 60.0, "n1": 24.0})
    found = value("basis, of: worth", facts, "text", "x", more=worth)
    assert found == (
        "assumed: 60 × export at 10 min, 24 × invite at 2.5 min, counted over the last 30 days, and €40 an hour"
    )
    assert value("basis, of: worth", FACTS, "text", "x", more=worth) is None


def paid(refunded: int = 0, **amounts: int) -> FieldFacts:
    items = {currency: ItemCount(1, LATELY, Decimal(amount)) for currency, amount in amounts.items()}
    back = {"EUR": ItemCount(1, LATELY, Decimal(refunded))} if refunded else {}
    return replace(FACTS, items={"paid": items, "refunded": back})


@pytest.mark.requirement("A092")
def test_what_was_paid_is_of_one_currency_and_of_about_a_month() -> None:
    assert value("paid", paid(EUR=500)) == 500
    assert value("paid", paid(EUR=500, refunded=100)) == 400
    assert value("paid", FACTS) is None
    assert value("paid", paid(EUR=500, USD=1)) is None
    assert value("paid", paid(USD=500)) is None
    # A year at once is no cost of this month.
    assert value("paid", paid(EUR=6000)) is None
    old = replace(FACTS, items={"paid": {"EUR": ItemCount(0, LONG_AGO)}})
    assert value("paid", old) is None
    unknown = replace(paid(EUR=500), account=replace(ACCOUNT, mrr=None))
    assert value("paid", unknown) is None


def test_what_is_due_is_a_whole_total_or_nothing() -> None:
    asked = "amount_due, metric: unpaid_invoices"
    one, other = OpenItem(Decimal("99.50"), "EUR"), OpenItem(Decimal(1), "EUR")
    assert value(asked, replace(FACTS, open_items=[one, other])) == Decimal("100.50")
    for wrong in (OpenItem(None, "EUR"), OpenItem(Decimal(1), "USD"), OpenItem(Decimal(1), "")):
        assert value(asked, replace(FACTS, open_items=[one, wrong])) is None
    assert value(asked, FACTS) is None


def test_a_rise_is_told_from_the_lowest_score_and_since_its_day() -> None:
    facts = replace(FACTS, score=ScoreFacts(61.2, 40.4, datetime(2026, 11, 2, 23, 30, tzinfo=UTC)))
    assert value("lowest_score", facts) == 40
    assert value("lowest_score_since", facts, "text", "x") == "since 3 November 2026"
    for kind, sort, sample in (("lowest_score", "number", "1"), ("lowest_score_since", "text", "x")):
        assert value(kind, replace(FACTS, score=ScoreFacts(44.0, 40.4, NOW)), sort, sample) is None
        assert value(kind, FACTS, sort, sample) is None


def test_requests_are_told_as_they_came_what_was_asked_for_most_first() -> None:
    asked = "requests, of: {feature_requested: feature, integration_requested: integration}"
    items = {
        "feature_requested": {"data_warehouse": ItemCount(2, LATELY), "forms": ItemCount(3, LATELY)},
        "integration_requested": {"crm": ItemCount(0, LONG_AGO), "": ItemCount(9, LATELY)},
    }
    assert value(asked, replace(FACTS, items=items), "texts", "[A]") == ["Forms", "data warehouse"]
    assert value(asked, FACTS, "texts", "[A]") is None


def test_a_story_of_the_same_industry_comes_before_one_for_everybody() -> None:
    elsewhere = replace(FACTS, account=replace(ACCOUNT, industry="retail"))
    told = {tell: value(f"story, tell: {tell}", FACTS, "text", "x") for tell in ("title", "result", "industry")}
    assert told == {"title": "A carrier", "result": "An afternoon", "industry": "logistics"}
    told = {tell: value(f"story, tell: {tell}", elsewhere, "text", "x") for tell in ("title", "result", "industry")}
    assert told == {"title": "Anybody", "result": "Less copying", "industry": None}


def test_groups_are_those_that_fit() -> None:
    assert value("groups", FACTS, "texts", "[A]") == ["Movers", "First steps"]
    elsewhere = replace(FACTS, account=replace(ACCOUNT, industry="retail", plan="enterprise"))
    assert value("groups", elsewhere, "texts", "[A]") == ["First steps", "Large ones"]


def test_concerns_are_told_where_their_metric_is_in_its_range() -> None:
    asked = (
        "concerns, of: [{metric: daily_active_rate, when: {below: 0.2}, say: Little use}, "
        "{metric: unpaid_invoices, when: {at_least: 1}, say: A payment did not go through}]"
    )
    facts = replace(FACTS, values={"daily_active_rate": 0.1, "unpaid_invoices": 1.0})
    assert value(asked, facts, "texts", "[A]") == ["Little use", "A payment did not go through"]
    at_limit = replace(FACTS, values={"daily_active_rate": 0.2, "unpaid_invoices": 0.0})
    assert value(asked, at_limit, "texts", "[A]") is None
    assert value(asked, FACTS, "texts", "[A]") is None


def test_every_kind_of_source_is_tried_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [kind for kind in kinds(FOLDER, FieldSource) if f'"{kind}' not in text and f"({kind!r}" not in text] == []


def told(usage: str, texts: str = "product: {name: H}\n", **templates: str) -> list[str]:
    files = {"settings.yaml": f"{texts}usage:\n{usage}", **{f"{name}.md": text for name, text in templates.items()}}
    return [str(issue) for issue in inspect_templates(TemplateText("templates", files, shipped("saas").metrics))]


@pytest.mark.parametrize(
    ("source", "sort", "sentence"),
    [
        ("limit_dat", "date", "unknown field source kind 'limit_dat'. Did you mean 'limit_date'?"),
        ("{kind: peers, metric: mood}", "number", "usage 'a': unknown metric 'mood'."),
        ("{kind: limit_date, metric: mrr}", "date", "the metric 'mrr' must be of kind share_of_limit, not last_value."),
        ("{kind: used_most, metric: mrr}", "texts", "the metric 'mrr' must be of kind adoption, not last_value."),
        ("{kind: tips, metric: feature_adoption_depth}", "texts", "usage 'a': it needs 'features', the titles"),
        ("hours_saved", "number", "usage 'a': it needs 'saved_time'"),
        ("hours_value", "number", "usage 'a': it needs 'hourly_rate'"),
        ("{kind: story, tell: title}", "text", "usage 'a': it needs 'stories'"),
        ("groups", "texts", "usage 'a': it needs 'groups'"),
        ("{kind: basis, of: b}", "text", "usage 'a': 'b' has no source to tell of."),
        ("{kind: peers, field: a}", "number", "'a' cannot be compared: its source looks at more than metrics."),
        ("hours_saved", "text", "'type' must be number for the source 'hours_saved', not 'text'."),
        ("{kind: paid, day: 3}", "number", "unknown key 'day'. Did you mean 'days'?"),
    ],
)
def test_a_source_that_makes_no_sense_is_told_with_its_line(source: str, sort: str, sentence: str) -> None:
    sample = {"texts": "[A]", "date": "'2027-01-01'", "text": "x"}.get(sort, "1")
    found = told(f"  a: {{type: {sort}, about: x, sample: {sample}, source: {source}}}\n")
    assert [one for one in found if one.startswith("templates/settings.yaml:3: ") and sentence in one], found


def test_a_field_has_a_metric_or_a_source_and_not_both() -> None:
    found = told("  a: {type: number, about: x, sample: 1, metric: mrr, source: hours_saved}\n")
    assert any("a field has either a 'metric' or a 'source'" in one for one in found)
    found = told("  a: {type: text, about: x, sample: y, metric: mrr}\n")
    assert any("'type' must be number or share for a metric, not 'text'" in one for one in found)


def test_what_is_never_known_is_warned_of_and_what_can_never_be_written() -> None:
    usage = "  wish: {type: text, about: x, sample: y}\n  mrr: {type: number, about: x, sample: 1, metric: mrr}\n"
    templates = {
        "never": text_of("You wished for {{ usage.wish }}."),
        "without": text_of("{% if usage.wish %}\nYou wished for {{ usage.wish }}.\n{% else %}\nHi.\n{% endif %}"),
        "known": text_of("{{ usage.mrr }}"),
    }
    assert told(usage, **templates) == [
        "templates/never.md:1: warning: it is never written: usage.wish has neither 'metric' nor 'source'.",
        "templates/settings.yaml:3: warning: usage 'wish' has neither 'metric' nor 'source', so its value is unknown.",
    ]


def test_events_and_plans_that_the_package_does_not_have_are_errors() -> None:
    usage = "usage:\n  hours: {type: number, about: x, sample: 1, source: hours_saved}\n"
    text = TemplateText("templates", {"settings.yaml": TEXTS + usage}, shipped("saas").metrics)
    book = load_templates(text)
    known = {"feature_used", "invite_sent"}
    assert list(inspect_names(text, book, known, {"team", "enterprise"})) == []
    assert list(inspect_names(text, book, known, None)) == []
    found = [str(issue) for issue in inspect_names(text, book, {"feature_used"}, {"team"})]
    assert found == [
        "templates/settings.yaml:19: usage 'hours': unknown event 'invite_sent'.",
        "templates/settings.yaml:1: group 'Large ones': unknown plan 'enterprise'.",
    ]


def test_an_assumption_is_shown_with_what_it_rests_on() -> None:
    usage = "  hours: {type: number, about: x, sample: 1, source: hours_saved}\n"
    basis = "  why: {type: text, about: x, sample: y, source: {kind: basis, of: hours}}\n"
    texts = TEXTS.replace("Harbour", "H")
    bare, whole = text_of("{{ usage.hours }} hours."), text_of("{{ usage.hours }} hours ({{ usage.why }}).")
    assert told(usage + basis, texts, whole=whole) == []
    (found,) = told(usage + basis, texts, bare=bare)
    assert found.startswith("templates/bare.md:1: warning: usage.hours is an assumption")
    assert found.endswith("Show usage.why, too.")
    (found,) = told(usage, texts, bare=bare)
    assert "Add a field with 'source: {kind: basis" in found
