"""The mapping through the jobs: what a name means, now, before and as of any moment."""

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from keepwell.base.business_time import Calendar
from keepwell.base.errors import PackageError
from keepwell.base.home import Home
from keepwell.facts.arrival import ARRIVALS
from keepwell.facts.event_map import MappedName, load_event_map
from keepwell.facts.event_map_text import with_entry, without_entry
from keepwell.facts.inbound import Inbound, Reading
from keepwell.jobs.catalogue import read_catalogue
from keepwell.jobs.cycle import Cycle
from keepwell.jobs.inbox import Arrival, Inbox
from keepwell.jobs.mapping import (
    do_derive_history,
    do_publish_mapping,
    has_unpublished_changes,
    rules_wanted,
)
from keepwell.jobs.meaning import guarded_names
from keepwell.jobs.package import SHIPPED, log_columns, ready_log
from keepwell.jobs.read_mapping import is_in_force, preview_mapping, unmapped_names
from keepwell.jobs.seal import Sealer
from keepwell.lake import duck
from keepwell.lake.duckdb_engine import embedded_engine
from keepwell.lake.log import EventLog
from keepwell.store.models import (
    Account,
    ApiKey,
    AuditEntry,
    Derivation,
    EventName,
    MappingVersion,
    ScoreRecord,
    Source,
)
from tests.flows.company import BY, UNTIL, Company, found_company, history
from tests.web.serving import keepwell

pytestmark = pytest.mark.django_db(transaction=True)

# Feature use as another program tells it, and the mapping that says so.
RAW = {"feature_used": "Module Opened", "signed_in": "Logged In", "session_ended": "visit.end"}
MAPPING = """\
# What our app sends.
events:
  - name: Module Opened    # of every module
    means: feature_used
    properties: {feature: module}
  - name: visit.end
    means: session_ended
"""


def renamed(events: pa.Table) -> pa.Table:
    """The same history in the other program's words."""
    names = [RAW.get(name, name) for name in events["name"].to_pylist()]
    props = []
    for name, text in zip(events["name"].to_pylist(), events["props"].to_pylist(), strict=True):
        told = json.loads(text) if text else {}
        if name == "feature_used" and "feature" in told:
            told["module"] = told.pop("feature")
        props.append(json.dumps(told) if text else None)
    return (
        events.set_column(2, "name", pa.array(names))
        .set_column(8, "props", pa.array(props, pa.string()))
        .cast(ARRIVALS)
    )


def publish(home: Home, text: str) -> bool:
    do_publish_mapping(home, "mapping.yaml", text, note="", by=BY, now=UNTIL)
    return do_derive_history(home, by=BY, now=UNTIL + timedelta(minutes=1))


def rows(home: Home) -> list[tuple[object, ...]]:
    """The log with names as text, in the order of ids; derived properties as data."""
    names = dict(EventName.objects.values_list("pk", "name"))
    accounts = dict(Account.objects.values_list("pk", "key"))
    paths = EventLog(home.log).snapshot().paths
    with duck.session() as database:
        found = database.sql(
            f"SELECT account, name, sent_name, sent_props, props, p_feature, message_id, known_at "
            f"FROM {duck.files(paths)} ORDER BY message_id"
        ).to_arrow_table()
    return [
        (accounts[row["account"]], names.get(row["name"]), names.get(row["sent_name"]), row["sent_props"],
         json.loads(row["props"] or "{}"), row["p_feature"], row["message_id"], row["known_at"])
        for row in found.to_pylist()
    ]  # fmt: skip


def scores() -> dict[tuple[str, object], object]:
    return {
        (record.account.key, record.as_of): (record.nano_points, record.band, record.coverage, record.trend_nano)
        for record in ScoreRecord.objects.select_related("account")
    }


def moments(company: Company) -> set[tuple[str, object]]:
    """Names the log knows, with when it first knew of them."""
    return {(row.name, row.first_known_at) for row in EventName.objects.all() if row.first_known_at.year < 9000}


def empty_home(folder: Path) -> Home:
    """A home with nothing in its log."""
    home = Home(folder)
    ready_log(home, log_columns(read_catalogue(home)))
    return home


def forget() -> None:
    for model in (Account, EventName, Derivation, MappingVersion):
        model.objects.all().delete()


def test_scores_as_of_any_moment_do_not_depend_on_when_the_mapping_was_published(tmp_path: Path) -> None:
    events, asked = history(accounts=3, days=60), [UNTIL - timedelta(days=days) for days in (30, 10, 0)]
    plain = found_company(tmp_path / "plain")
    plain.take(events)
    plain.score(*asked)
    expected = scores()
    forget()

    before = Company(empty_home(tmp_path / "before"), plain.version)
    publish(before.home, MAPPING)
    before.take(renamed(events), batches=3)
    before.score(*asked)
    assert scores() == expected
    first, first_moments = rows(before.home), moments(before)
    forget()

    after = Company(empty_home(tmp_path / "after"), plain.version)
    after.take(renamed(events), batches=2)
    after.score(*asked)
    assert scores() != expected
    assert publish(after.home, MAPPING)
    after.score(*asked)
    assert scores() == expected
    assert (rows(after.home), moments(after)) == (first, first_moments)


def test_changing_a_mapping_and_back_gives_the_first_state(tmp_path: Path) -> None:
    company = found_company(tmp_path)
    publish(company.home, MAPPING)
    company.take(renamed(history(accounts=2, days=60)))
    first, first_moments = rows(company.home), moments(company)
    assert publish(company.home, "events: [{name: Module Opened, ignore: true}]\n")
    assert {row[1] for row in rows(company.home) if row[2] == "Module Opened"} == {None}
    assert "feature_used" not in dict(moments(company))
    assert publish(company.home, MAPPING)
    assert (rows(company.home), moments(company)) == (first, first_moments)
    assert EventLog(company.home.log).snapshot().mapping == 3
    assert AuditEntry.objects.filter(act="mapping_published").count() == 3


def test_an_alias_of_the_catalogue_counts_without_any_file(tmp_path: Path) -> None:
    company = found_company(tmp_path)
    events = history(accounts=2, days=60)
    titled = pc.replace_substring(pc.utf8_title(pc.replace_substring(events["name"], "_", " ")), "Api", "API")
    company.take(events)
    company.score()
    expected = scores()
    forget()
    aliased = Company(empty_home(tmp_path / "aliased"), company.version)
    names = pc.if_else(pc.equal(titled, "Feature Used"), titled, events["name"])
    aliased.take(events.set_column(2, "name", names).cast(ARRIVALS))
    assert do_derive_history(aliased.home, by=BY, now=UNTIL)
    aliased.score()
    assert scores() == expected
    assert "Feature Used" in {row[2] for row in rows(aliased.home)}


def test_readers_see_the_old_moments_until_the_log_is_derived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    company = found_company(tmp_path)
    company.take(renamed(history(accounts=2, days=60)))
    company.score()
    before = scores()
    with monkeypatch.context() as cut:
        cut.setattr(EventLog, "derive", _cut_off)
        with pytest.raises(KeyboardInterrupt):
            publish(company.home, MAPPING)
    company.score()
    assert scores() == before
    assert not is_in_force(company.home)
    assert do_derive_history(company.home, by=BY, now=UNTIL)
    company.score()
    assert scores() != before
    assert is_in_force(company.home)


def _cut_off(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_what_was_cut_off_after_the_log_was_derived_is_finished_by_the_next_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = found_company(tmp_path)
    company.take(renamed(history(accounts=2, days=60)))
    with monkeypatch.context() as cut:
        cut.setattr("keepwell.jobs.mapping.do_project_accounts", _cut_off)
        with pytest.raises(KeyboardInterrupt):
            publish(company.home, MAPPING)
    assert Derivation.objects.get(number=1).applied_at is None
    assert do_derive_history(company.home, by=BY, now=UNTIL)
    assert Derivation.objects.get(number=1).is_changed
    assert not do_derive_history(company.home, by=BY, now=UNTIL)


def test_an_alias_that_a_package_brings_later_counts_for_history_too(tmp_path: Path) -> None:
    company = found_company(tmp_path)
    company.take(renamed(history(accounts=2, days=60)))
    do_derive_history(company.home, by=BY, now=UNTIL)
    assert "feature_used" not in {row[1] for row in rows(company.home)}
    own = company.home.packages / "saas"
    shutil.copytree(SHIPPED / "saas", own)
    text = (own / "catalogue.yaml").read_text()
    (own / "catalogue.yaml").write_text(text.replace("[Feature Used]", "[Feature Used, Module Opened]"))
    assert do_derive_history(company.home, by=BY, now=UNTIL)
    assert {row[1] for row in rows(company.home) if row[2] == "Module Opened"} == {"feature_used"}


def test_everything_is_scored_anew_by_the_turn_after_a_publish(tmp_path: Path) -> None:
    company = found_company(tmp_path)
    company.take(renamed(history(accounts=2, days=60)))
    cycle = Cycle(company.home, embedded_engine(), Calendar())
    cycle.do_run_cycle(now=UNTIL)
    before = scores()
    do_publish_mapping(company.home, "mapping.yaml", MAPPING, note="", by=BY, now=UNTIL)
    cycle.do_run_cycle(now=UNTIL + timedelta(minutes=1))
    fresh = {key: told for key, told in scores().items() if key[1] != UNTIL}
    assert {key[0] for key in fresh} == {key[0] for key in before}
    assert sorted(map(str, fresh.values())) != sorted(map(str, before.values()))
    assert AuditEntry.objects.filter(act="accounts_scored", details__accounts="all").count() == 2
    cycle.do_run_cycle(now=UNTIL + timedelta(minutes=2))
    assert AuditEntry.objects.filter(act="accounts_scored", details__accounts="all").count() == 2


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    found = Inbox()
    found.start()
    yield found
    found.stop()


def send(inbox: Inbox, home: Home, source: Source, kind: str, *events: tuple[str, dict[str, object]]) -> None:
    key = ApiKey.objects.create(
        kind=kind, prefix=kind, digest=f"{kind}{ApiKey.objects.count()}", source=source, created_at=UNTIL, created_by=BY
    )
    at = int(UNTIL.timestamp() * 1_000_000) - 3_600_000_000
    told = [
        Inbound(f"{kind}-{key.pk}-{number}", name, at + number, "acme", "ada", json.dumps(props))
        for number, (name, props) in enumerate(events)
    ]
    inbox.put(Arrival(source.pk, key.pk, UNTIL, "segment", Reading(told))).result()
    Sealer(home).do_seal_inbox()


def test_what_came_with_a_browser_key_never_becomes_a_trusted_event_or_a_guarded_trait(
    tmp_path: Path, inbox: Inbox
) -> None:
    home = found_company(tmp_path).home
    ready_log(home, log_columns(read_catalogue(home)))
    source = Source.objects.create(name="app", connector="http", created_at=UNTIL, created_by=BY)
    events = [
        ("Plan Switched", {"plan": "gold", "mrr": 9000}),
        ("Profile Saved", {"level": "gold", "plan": "gold", "industry": "steel"}),
    ]
    text = """\
events:
  - {name: Plan Switched, means: subscription_changed}
  - {name: Profile Saved, means: account_updated, properties: {owner: level}}
"""
    send(inbox, home, source, "ing", *events)
    publish(home, text)
    assert [row[1] for row in rows(home)] == ["Plan Switched", "account_updated"]
    assert rows(home)[1][4] == {"industry": "steel"}
    account = Account.objects.get(key="acme")
    assert (account.plan, account.mrr, account.traits) == ("", None, {"industry": "steel"})
    send(inbox, home, source, "srv", *events)
    assert [row[1] for row in rows(home)][2:] == ["subscription_changed", "account_updated"]
    assert rows(home)[3][4] == {"owner": "gold", "plan": "gold", "industry": "steel"}
    assert preview_mapping(home, "events: []\n", now=UNTIL).events == 3
    (left,) = unmapped_names(home, now=UNTIL, shown=10).names
    assert (left.name, left.events, left.is_kept_out) == ("Plan Switched", 1, True)


def test_the_door_guards_every_name_that_means_a_trusted_event(tmp_path: Path) -> None:
    home = found_company(tmp_path).home
    text = """\
events:
  - {name: Plan Switched, source: billing, means: subscription_changed}
  - {name: Profile Saved, means: account_updated}
  - {name: Subscription Started, means: feature_used}
"""
    publish(home, text)
    rules, catalogue = rules_wanted(home), read_catalogue(home)
    trusted, telling = guarded_names(rules, catalogue, "billing")
    assert {"Plan Switched", "subscription_changed", "Payment Failed"} <= trusted
    assert {"Profile Saved", "Identify"} <= telling
    elsewhere, _ = guarded_names(rules, catalogue, "app")
    assert "Plan Switched" not in elsewhere
    assert "Subscription Started" not in elsewhere


def test_wrong_names_are_refused_all_at_once_with_line_and_nearest_name(tmp_path: Path) -> None:
    home = found_company(tmp_path).home
    text = """\
events:
  - name: Report Exported
    means: feature_usd
  - name: Module Opened
    means: feature_used
    properties:
      featur: module
    constants: {core: "yes"}
  - name: Ping
  - name: Module Opened
    means: Feature Used
"""
    with pytest.raises(PackageError) as refused:
        do_publish_mapping(home, "mapping.yaml", text, note="", by=BY, now=UNTIL)
    said = str(refused.value).splitlines()
    assert said[0] == "mapping.yaml:3: no catalogue has the event 'feature_usd'. Did you mean 'feature_used'?"
    assert "mapping.yaml:7: the event 'feature_used' has no property 'featur'. Did you mean 'feature'?" in said
    assert "mapping.yaml:8: 'core' is true or false in the catalogue, not 'yes'." in said
    assert any(line.startswith("mapping.yaml:9: ") and "ignore: true" in line for line in said)
    assert "mapping.yaml:11: no catalogue has the event 'Feature Used'. Did you mean 'feature_used'?" in said
    assert not MappingVersion.objects.exists()


def test_unmapped_names_are_counted_with_guesses_and_reasons(tmp_path: Path) -> None:
    company = found_company(tmp_path)
    events = renamed(history(accounts=2, days=60))
    company.take(events)
    do_derive_history(company.home, by=BY, now=UNTIL)
    found = unmapped_names(company.home, now=UNTIL, shown=10)
    assert {name.name for name in found.names} == {"Module Opened", "visit.end"}
    opened = next(name for name in found.names if name.name == "Module Opened")
    assert opened.events == pc.sum(pc.equal(events["name"], "Module Opened")).as_py()
    assert 0 < opened.recent < opened.events
    assert "module" in opened.keys
    assert opened.example.keys() <= set(opened.keys)
    assert "feature_used" in {guess.event for guess in opened.guesses}
    told = preview_mapping(company.home, MAPPING, now=UNTIL)
    assert told.events == found.events
    assert any(seen.gains for seen in told.metrics)
    publish(company.home, MAPPING)
    assert unmapped_names(company.home, now=UNTIL, shown=10).total == 0


def test_one_entry_is_changed_and_the_rest_of_the_text_stays(tmp_path: Path) -> None:
    catalogue = read_catalogue(Home(tmp_path))
    added = with_entry(MAPPING, MappedName(name='Say "hi": #1', source="app", ignore=True))
    assert added.startswith(MAPPING)
    assert without_entry(added, 'Say "hi": #1', "app") == MAPPING
    changed = with_entry(MAPPING, MappedName(name="visit.end", means="signed_out"))
    assert changed == MAPPING.replace(
        "  - name: visit.end\n    means: session_ended\n", '  - name: "visit.end"\n    means: "signed_out"\n'
    )
    flow = with_entry("events: [{name: a, ignore: true}]\n", MappedName(name="b", means="signed_in"))
    assert [entry.name for entry in load_event_map("x", flow, catalogue).map.events] == ["a", "b"]
    empty = without_entry(without_entry(MAPPING, "visit.end", None), "Module Opened", None)
    assert load_event_map("x", empty, catalogue).map.events == ()
    assert empty.startswith("# What our app sends.\n")
    assert with_entry(empty, MappedName(name="b", ignore=True)).startswith("# What our app sends.\n")


def test_a_file_that_was_edited_since_is_noticed(tmp_path: Path) -> None:
    home = found_company(tmp_path).home
    assert not has_unpublished_changes(home)
    publish(home, MAPPING)
    assert home.mapping.read_text() == MAPPING
    assert not has_unpublished_changes(home)
    home.mapping.write_text(MAPPING + "# more\n")
    assert has_unpublished_changes(home)


def test_the_command_line_checks_publishes_and_shows(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "ours.yaml"
    assert keepwell(home, "init", "--email", "ada@keepwell.example").returncode == 0
    assert keepwell(home, "model", "publish", "saas").returncode == 0
    events = tmp_path / "events.csv"
    events.write_text("account_id,event,timestamp\nacme,signed_in,2026-05-01\nacme,signed_in,2026-05-02\n")
    assert keepwell(home, "import", str(events)).returncode == 0
    file.write_text("events: [{name: signed_in, means: feature_usd}]\n")
    refused = keepwell(home, "mapping", "publish", str(file))
    assert refused.returncode == 1
    assert f"{file}:1: no catalogue has the event 'feature_usd'. Did you mean 'feature_used'?" in refused.stderr
    assert "No mapping is published" in keepwell(home, "mapping", "show").stdout
    file.write_text("events: [{name: signed_in, means: feature_used}]\n")
    checked = keepwell(home, "mapping", "check", str(file)).stdout.splitlines()
    assert checked == ["signed_in: signed_in -> feature_used, 2 events", f"{file}: 1 entry; 2 events would change."]
    published = keepwell(home, "mapping", "publish", str(file)).stdout
    assert published.startswith("Published mapping version 1.\nThe event log is derived anew.")
    assert (home / "mapping.yaml").read_text() == file.read_text()
    assert "is unchanged: version 1 stays." in keepwell(home, "mapping", "publish").stdout
    assert "0 names without a meaning" in keepwell(home, "mapping", "show", "--unmapped").stdout
    assert keepwell(home, "mapping", "show").stdout.endswith(file.read_text())
