"""Writing down which accounts are in which segment."""

from collections.abc import Sequence

import numpy as np

from keepwell.jobs.panel import in_statements, named
from keepwell.signals.panel import Panel
from keepwell.signals.truth import YES
from keepwell.store.models import SegmentAccount

ROWS_A_STATEMENT = 500


def write_segments(model: str, panel: Panel, ended: Sequence[int]) -> None:
    """Bring the segments of the panel's accounts to what it knows, and those of `ended` to nothing. Derived rows only.

    Call it in a transaction.
    """
    rows = SegmentAccount.objects.filter(model=model)
    wanted = {
        (account, segment)
        for segment, truth in panel.segments.items()
        for account in panel.accounts[np.flatnonzero(truth == YES)].tolist()
    }
    present = {*panel.accounts.tolist(), *ended}
    gone: list[int] = []
    for pk, account, segment in named(rows, sorted(present)).values_list("pk", "account_id", "segment"):
        if account not in present:
            continue
        if (account, segment) in wanted:
            wanted.remove((account, segment))
        else:
            gone.append(pk)
    for some in in_statements(gone):
        rows.filter(pk__in=some).delete()
    SegmentAccount.objects.bulk_create(
        (SegmentAccount(account_id=account, model=model, segment=segment) for account, segment in sorted(wanted)),
        batch_size=ROWS_A_STATEMENT,
    )
