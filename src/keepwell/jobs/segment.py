"""Writing down which accounts are in which segment."""

from collections.abc import Sequence

import numpy as np
from django.db import transaction

from keepwell.signals.panel import Panel
from keepwell.signals.truth import YES
from keepwell.store.models import SegmentAccount

ROWS_A_STATEMENT = 500


def write_segments(model: str, panel: Panel, accounts: Sequence[int] | None) -> None:
    """Replace the segments of these accounts (None: of all) by those that the panel knows. Derived rows only."""
    rows = SegmentAccount.objects.filter(model=model)
    with transaction.atomic():
        (rows if accounts is None else rows.filter(account__in=accounts)).delete()
        SegmentAccount.objects.bulk_create(
            (
                SegmentAccount(account_id=account, model=model, segment=segment)
                for segment, truth in panel.segments.items()
                for account in panel.accounts[np.flatnonzero(truth == YES)].tolist()
            ),
            batch_size=ROWS_A_STATEMENT,
        )
