"""Whose events these are: the account of an event that names only its contact."""

import duckdb
import numpy as np
import pyarrow as pa


def find_accounts(
    database: duckdb.DuckDBPyConnection, arrivals: pa.Table, accounts: pa.Table, contacts: pa.Table
) -> pa.Table:
    """Columns `account` and `choices`, a row per arrival.

    An event without an account belongs to the one account at which its contact is known, from the
    dictionaries or from another event of these arrivals. `account` is null where there is not just one;
    `choices` says how many there are.
    """
    ordinal = pa.array(np.arange(len(arrivals), dtype=np.int64))
    database.register("told", arrivals.select(["account", "contact"]).append_column("ordinal", ordinal))
    database.register("accounts", accounts)
    database.register("contacts", contacts)
    return database.sql(
        "WITH pair AS ("
        "SELECT c.key AS contact, a.key AS account FROM contacts c JOIN accounts a ON a.id = c.account "
        "WHERE c.key IN (SELECT contact FROM told WHERE account IS NULL) "
        "UNION SELECT contact, account FROM told WHERE contact IS NOT NULL AND account IS NOT NULL), "
        "choice AS (SELECT contact, min(account) AS account, count(*) AS choices FROM pair GROUP BY contact) "
        "SELECT coalesce(t.account, CASE WHEN o.choices = 1 THEN o.account END) AS account, "
        "coalesce(o.choices, 0)::BIGINT AS choices "
        "FROM told t LEFT JOIN choice o ON t.account IS NULL AND o.contact = t.contact ORDER BY t.ordinal"
    ).to_arrow_table()
