"""The distributed engine: Spark, over the same files of the log.

The files are read as Parquet by their list, so that the cluster needs no jar for Delta; every worker has to
see the folder of the log under the same path.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from keepwell.base.errors import UserError
from keepwell.facts.moment import Moment
from keepwell.facts.values import Values
from keepwell.lake import spark
from keepwell.lake.engine import Queries, Question, nobody, to_values
from keepwell.lake.log import EventLog
from keepwell.lake.snapshot import Snapshot
from keepwell.metrics.compile import properties_of
from keepwell.metrics.events import MICROSECONDS_A_DAY, RELATION

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SETTINGS: Final[Mapping[str, str]] = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    # A division by nothing or a text that is no number is a missing value, as in the embedded engine.
    "spark.sql.ansi.enabled": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.adaptive.enabled": "true",
    # The list of files is known: never start a job to list them.
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "1000000",
}
# Restrictions to more accounts than this are a join with a small table instead of a list in the query.
LISTED_ACCOUNTS: Final = 200
STORED: Final = "stored_rows"


class SparkEngine:
    """Answers every moment of a question in one job. One process holds one session; `close` ends it."""

    def __init__(self, master: str, settings: Mapping[str, str] | None = None) -> None:
        """`master` is the cluster, such as 'spark://10.0.0.5:7077'; `settings` come before ours."""
        self._session = _session(master, {**SETTINGS, **(settings or {})})
        self._queries = Queries("spark")

    def values(self, log: EventLog, question: Question) -> list[Values]:
        """See `Engine.values`."""
        snapshot = log.snapshot(question.accounts)
        if not snapshot.files or not question.metrics or not question.moments:
            return [nobody(question, moment) for moment in question.moments]
        question = question.under(snapshot.mapping)
        found: dict[Moment, Values] = {}
        for codes, alike in question.alike(question.moments).items():
            query = self._queries.text(question, dict(codes))
            for moments in _rounds(alike):
                rows = self._rows(snapshot, question, moments, query)
                for moment in moments:
                    of_moment = rows.filter(pc.equal(rows["as_of"], pa.scalar(moment.as_of, rows["as_of"].type)))
                    found[moment] = to_values(of_moment, question, moment)
        return [found[moment] for moment in question.moments]

    def close(self) -> None:
        self._session.stop()

    def _rows(self, snapshot: Snapshot, question: Question, moments: Sequence[Moment], query: str) -> pa.Table:
        # Views belong to a session, so calls from several threads do not see each other's.
        session = self._session.newSession()
        files = [f"file://{path}" for path in snapshot.paths]
        session.read.schema(_schema(snapshot)).parquet(*files).createOrReplaceTempView(STORED)
        only = _only(session, question.accounts)
        session.sql(_as_of_view(snapshot, question, moments, only)).createOrReplaceTempView(RELATION)
        return session.sql(query).toArrow()


def _session(master: str, settings: Mapping[str, str]) -> "SparkSession":
    try:
        from pyspark.sql import SparkSession
    except ImportError as missing:
        raise UserError('Spark is not installed. Run pip install "keepwell[spark]".') from missing
    builder = SparkSession.builder.master(master).appName("keepwell")
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def _rounds(moments: Sequence[Moment]) -> list[list[Moment]]:
    """The moments, so that no `as_of` comes twice in a round: the query tells moments apart by it."""
    rounds: list[list[Moment]] = []
    for moment in dict.fromkeys(moments):
        for others in rounds:
            if all(other.as_of != moment.as_of for other in others):
                others.append(moment)
                break
        else:
            rounds.append([moment])
    return rounds


def _schema(snapshot: Snapshot) -> str:
    columns = {"account": "BIGINT", "contact": "BIGINT", "name": "INT", "at": "TIMESTAMP", "known_at": "TIMESTAMP"}
    columns |= {"tie": "BIGINT", "props": "STRING"}
    columns |= {f"p_{item}": "STRING" if kind == "text" else "DOUBLE" for item, kind in snapshot.properties.items()}
    return ", ".join(f"{spark.name(column)} {kind}" for column, kind in columns.items())


def _as_of_view(snapshot: Snapshot, question: Question, moments: Sequence[Moment], only: str) -> str:
    age = "(unix_micros(m.as_of) - unix_micros(r.`at`))"
    columns = ["m.as_of", "r.account", "r.contact", "r.name", "r.tie"]
    for item, kind in sorted(properties_of(question.metrics).items()):
        column = spark.name(f"p_{item}")
        if item in snapshot.properties:
            columns.append(f"r.{column}")
        else:
            columns.append(f"{spark.property_from_json(item, kind)} AS {column}")
    rows = ", ".join(
        f"({', '.join(map(spark.instant, (moment.as_of, moment.happened_before, moment.known_before)))})"
        for moment in moments
    )
    return (
        f"SELECT /*+ BROADCAST(m) */ {', '.join(columns)}, {age} AS age, "
        f"CAST({age} DIV {MICROSECONDS_A_DAY} AS INT) AS days_ago "
        f"FROM {STORED} r JOIN (VALUES {rows}) m (as_of, happened_before, known_before) "
        f"ON r.`at` < m.happened_before AND r.known_at < m.known_before{only}"
    )


def _only(session: "SparkSession", accounts: Sequence[int] | None) -> str:
    if accounts is None:
        return ""
    if len(accounts) <= LISTED_ACCOUNTS:
        return f" WHERE r.account IN ({', '.join(str(int(account)) for account in accounts)})"
    wanted = pa.table({"account": pa.array(accounts, pa.int64())})
    session.createDataFrame(wanted).createOrReplaceTempView("wanted_accounts")
    return " LEFT SEMI JOIN wanted_accounts w ON r.account = w.account"
