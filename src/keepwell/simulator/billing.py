"""Invoices, payments, failures and what follows from them."""

import numpy as np

from keepwell.simulator.batch import Batch, Numbered, Properties, Words, no_contact
from keepwell.simulator.cast import Cast
from keepwell.simulator.sampling import any_moment, chance
from keepwell.simulator.stage import DAY
from keepwell.simulator.subscription import Terms, mrr

REASONS = ("card_expired", "insufficient_funds", "declined")
SLOW_SHARE = 0.5
SLOW_DAYS = 21


def billing_batches(cast: Cast, terms: Terms) -> list[Batch]:
    """One invoice every 30 days. In bad health payments fail more often, are paid late, or stay open."""
    rng = cast.random_stream("billing")
    account, month = np.nonzero(np.ones((cast.accounts, cast.calendar.days // 30 + 1)))
    day = month * 30 + account * 7 % 30
    billed = (day < cast.calendar.days) & (day > cast.fate.starts[account]) & (day < cast.fate.ends[account])
    account, day = account[billed], day[billed]
    health = cast.fate.health[account, day]
    due = any_moment(cast, day, np.full(len(day), 6.0))
    fails = chance(rng, 0.025 + 0.4 * (1 - health) ** 2.8)
    late = ~fails & chance(rng, 0.012 + 0.35 * (1 - health) ** 2.8)
    mended = fails & chance(rng, 0.3 + 0.6 * health)
    reason = rng.choice(len(REASONS), size=len(day), p=[0.5, 0.3, 0.2])
    number = np.arange(len(day))
    invoice: Properties = {
        "invoice": Numbered("INV-", 10_000 + number),
        "amount": mrr(cast, terms, account, day),
        "currency": Words(["USD"], np.zeros(len(account), dtype=np.int64)),
    }
    nobody = no_contact(account)
    paid_after = np.where(
        fails, rng.integers(3, 9, size=len(day)), np.where(late, rng.integers(4, 20, size=len(day)), 0)
    )
    # Some pay only weeks after the failure.
    is_slow = cast.random_stream("slow payers").random(len(day)) < SLOW_SHARE
    paid_after = paid_after + np.where(fails & is_slow, SLOW_DAYS, 0)
    paid_at = due + paid_after * DAY - np.where(paid_after == 0, rng.integers(0, 5, size=len(day)), 0) * DAY
    on_time = {**invoice, "on_time": ~fails & ~late}
    return [
        Batch("invoice_due", account, nobody, due, invoice),
        Batch("payment_succeeded", account, nobody, paid_at, on_time).where(~fails | mended),
        Batch("payment_failed", account, nobody, due + DAY // 8, {**invoice, "reason": Words(REASONS, reason)}).where(
            fails
        ),
        Batch("invoice_overdue", account, nobody, due + 10 * DAY, invoice).where(fails & ~mended),
        Batch(
            "payment_method_changed",
            account,
            cast.first_contact[account],
            paid_at - DAY // 24,
            {"reason": Words(["card_expired", "replaced"], (reason != 0).astype(np.int64))},
        ).where(mended & (reason != 1)),
    ]
