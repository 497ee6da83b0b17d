"""A company's history, made up from a seed: accounts that grow, stay, slide, are rescued, churn, are new or seasonal.

It is for looking at the product and for testing it. Each account has a hidden health that drives all it
does, so scores agree with it more than they ever would with real accounts: nothing measured on this
history says how well a score, an alert or a prediction works on real ones.

The same arguments give the same bytes. Facts about accounts that began before the history (their
creation, plan, contacts and set-up) carry their real, earlier times; everything else lies within it.
"""

from datetime import datetime

import numpy as np
import pyarrow as pa

from keepwell.simulator.batch import Batch, table_of
from keepwell.simulator.billing import billing_batches
from keepwell.simulator.cast import Cast, cast_of
from keepwell.simulator.chain import chain_batches
from keepwell.simulator.flavour import PackageName
from keepwell.simulator.lifecycle import lifecycle_batches
from keepwell.simulator.relationship import relationship_batches
from keepwell.simulator.stage import calendar
from keepwell.simulator.subscription import limits_by_day, subscription_batches, terms_of
from keepwell.simulator.support import support_batches
from keepwell.simulator.usage import usage_batches


def simulate(package: PackageName, *, seed: int, accounts: int, days: int, until: datetime) -> pa.Table:
    """Events of the `days` days before `until`, in order of time, with the columns of `batch.SCHEMA`.

    `properties` is a JSON object. The first accounts are Acme, which thrives, Borealis, which slides, and
    Cobalt, which churns some five weeks before the end.
    """
    if accounts < 1 or days < 60:
        raise ValueError(f"a history needs at least 1 account and 60 days, not {accounts} and {days}")
    cast = cast_of(package, seed, accounts, calendar(days, until))
    terms = terms_of(cast)
    before = [*lifecycle_batches(cast), *subscription_batches(cast, terms)]
    within = [
        *usage_batches(cast, limits_by_day(cast, terms), terms.units),
        *billing_batches(cast, terms),
        *support_batches(cast),
        *relationship_batches(cast),
    ]
    if package == "crypto":
        within += chain_batches(cast)
    kept = [_before_end(batch, cast) for batch in before] + [_inside(batch, cast) for batch in within]
    return table_of(kept, cast.keys, cast.contacts.keys, f"{package}-{seed}")


def _before_end(batch: Batch, cast: Cast) -> Batch:
    return batch.where(batch.at < cast.calendar.until)


def _inside(batch: Batch, cast: Cast) -> Batch:
    """Nothing of an account happens after its end but what was still on its way."""
    last = cast.calendar.day_start(np.minimum(cast.fate.ends[batch.account], cast.calendar.days) + 1)
    return batch.where(cast.calendar.holds(batch.at) & (batch.at < last))
