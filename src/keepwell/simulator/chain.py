"""What a blockchain platform sees besides: transactions, DeFi, bridges, mining, yields, risk and compliance."""

import numpy as np

from keepwell.simulator.batch import Batch, Properties, Words, no_contact
from keepwell.simulator.cast import Cast
from keepwell.simulator.sampling import any_moment, chance, poisson_days, some_contact
from keepwell.simulator.stage import Floats, Integers, season, week

CHAINS = ("aurelia", "basalt", "corvid", "drift", "ember")
PROTOCOLS = ("alder", "beech", "cedar", "elm", "fir", "hazel")
VENUES = ("transfer", "dex", "defi")
TOPICS = ("batch_size", "cooling", "pool", "prover_memory")
RULES = ("key_rotation", "sanctions_list", "signers", "withdrawal_limit")


def chain_batches(cast: Cast) -> list[Batch]:
    return [*_transactions(cast), *_defi(cast), *_mining(cast), *_reports(cast)]


def _at_any_hour(rng: np.random.Generator, cast: Cast, day: Integers) -> Integers:
    return any_moment(cast, day, rng.uniform(0, 23.9, size=len(day)))


def _takes_part(cast: Cast, what: str, share: float) -> Floats:
    """1 for the accounts that do this at all, else 0, as a column; the named accounts do everything."""
    takes = cast.random_stream(f"takes part in {what}").random(cast.accounts) < share
    takes[:3] = True
    return takes[:, None].astype(np.float64)


def _rhythm(cast: Cast) -> Floats:
    return season(cast.calendar) * week(cast.calendar, cast.flavour.weekend)


def _transactions(cast: Cast) -> list[Batch]:
    rng = cast.random_stream("transactions")
    habit = np.minimum(rng.lognormal(0.2, 0.7, size=(cast.accounts, 1)), 8.0)
    account, day = poisson_days(rng, habit * cast.activity() ** 1.2 * _rhythm(cast) * _takes_part(cast, "trade", 0.92))
    health = cast.fate.health[account, day]
    chains = 1 + rng.integers(0, len(CHAINS) - 1, size=cast.accounts)
    chain = (chains[account] * health**0.5 * rng.random(len(day)) ** 1.5).astype(np.int64)
    success = chance(rng, 1 - 0.005 - 0.25 * (1 - health) ** 2)
    volume = np.round(rng.lognormal(6.5, 1.0, size=len(day)) * (0.4 + health), 2)
    settled = Batch(
        "transaction_settled",
        account,
        some_contact(rng, cast, account, day),
        _at_any_hour(rng, cast, day),
        {
            "chain": Words(CHAINS, chain),
            "venue": Words(VENUES, rng.choice(len(VENUES), size=len(day), p=[0.4, 0.4, 0.2])),
            "success": success,
            "volume": np.where(success, volume, 0.0),
            "currency": Words(["USD"], np.zeros(len(day), dtype=np.int64)),
        },
    )
    account, day = poisson_days(rng, 0.12 * cast.activity() * (chains[:, None] > 1))
    away = rng.integers(1, len(CHAINS), size=len(day))
    bridged = Batch(
        "bridge_used",
        account,
        some_contact(rng, cast, account, day),
        _at_any_hour(rng, cast, day),
        {
            "chain": Words(CHAINS, np.zeros(len(day), dtype=np.int64)),
            "to_chain": Words(CHAINS, away),
            "success": chance(rng, 1 - 0.02 - 0.15 * (1 - cast.fate.health[account, day])),
            "volume": np.round(rng.lognormal(7, 1, size=len(day)), 2),
        },
    )
    return [settled, bridged]


def _defi(cast: Cast) -> list[Batch]:
    rng = cast.random_stream("DeFi")
    activity = cast.activity() * _takes_part(cast, "DeFi", 0.7)
    protocols = 1 + rng.integers(0, len(PROTOCOLS), size=cast.accounts)
    account, day = poisson_days(rng, 0.3 * activity**1.2)
    which = (protocols[account] * rng.random(len(day))).astype(np.int64)
    contact = some_contact(rng, cast, account, day)
    volume = np.round(rng.lognormal(7, 0.9, size=len(day)), 2)
    changed: Properties = {"protocol": Words(PROTOCOLS, which), "volume": volume}
    position = Batch("defi_position_changed", account, contact, _at_any_hour(rng, cast, day), changed)
    account, day = poisson_days(rng, 0.05 * activity)
    contact = some_contact(rng, cast, account, day)
    staked: Properties = {
        "protocol": Words(PROTOCOLS, np.zeros(len(day), dtype=np.int64)),
        "staked_value": np.round(rng.lognormal(8, 0.6, size=len(day)) * cast.fate.health[account, day], 2),
    }
    stake = Batch("stake_changed", account, contact, _at_any_hour(rng, cast, day), staked)
    account, day = poisson_days(rng, 0.06 * activity)
    improved = chance(rng, 0.25 + 0.6 * cast.fate.health[account, day])
    contact = some_contact(rng, cast, account, day)
    moved = Batch("yield_rebalanced", account, contact, _at_any_hour(rng, cast, day), {"improved": improved})
    return [position, stake, moved]


def _mining(cast: Cast) -> list[Batch]:
    rng = cast.random_stream("mining")
    activity = cast.activity() * _takes_part(cast, "mining", 0.28)
    account, day = np.nonzero(rng.random(activity.shape) < np.minimum(activity * 3, 0.97))
    health = cast.fate.health[account, day]
    usual = rng.uniform(40, 90, size=cast.accounts)[account]
    reported = Batch(
        "mining_reported",
        account,
        no_contact(account),
        any_moment(cast, day, np.full(len(day), 23.7)),
        {
            "efficiency": np.round(usual * (0.55 + 0.45 * health + rng.normal(0, 0.02, size=len(day))), 2),
            "uptime_share": np.clip(0.5 + 0.5 * health + rng.normal(0, 0.03, size=len(day)), 0, 1),
        },
    )
    account, day = poisson_days(rng, 1.6 * activity)
    accepted = chance(rng, 1 - 0.004 - 0.2 * (1 - cast.fate.health[account, day]) ** 2)
    seconds: Floats = np.round(rng.gamma(6, 4, size=len(day)), 1)
    proved: Properties = {"accepted": accepted, "proving_seconds": seconds}
    proof = Batch("proof_submitted", account, no_contact(account), _at_any_hour(rng, cast, day), proved)
    mines: Floats = np.where(activity > 0, 0.025, 0.0)
    account, day = poisson_days(rng, mines)
    topic = {"topic": Words(TOPICS, rng.integers(len(TOPICS), size=len(day)))}
    at = _at_any_hour(rng, cast, day)
    applied = chance(rng, 0.1 + 0.75 * cast.fate.health[account, day])
    later = at + rng.integers(1, 12, size=len(day)) * 86_400_000_000
    return [
        reported,
        proof,
        Batch("tuning_suggested", account, no_contact(account), at, topic),
        Batch("tuning_applied", account, cast.first_contact[account], later, topic).where(applied),
    ]


def _reports(cast: Cast) -> list[Batch]:
    """Weekly: liquidity and yield of those who provide it, risk and compliance of everybody."""
    rng = cast.random_stream("reports")
    weekly = np.arange(cast.calendar.days) % 7 == 0
    account, day = np.nonzero((cast.activity() > 0) & weekly)
    farms = _takes_part(cast, "farming", 0.5)[:, 0][account] > 0
    health = cast.fate.health[account, day]
    nobody = no_contact(account)
    at = any_moment(cast, day, np.full(len(day), 5.0))
    over = rng.normal(-0.05 + 0.09 * health, 0.012)
    rate = np.clip(0.05 + over, 0, None)
    checks = rng.integers(len(RULES), size=len(day))
    return [
        Batch(
            "liquidity_reported",
            account,
            nobody,
            at,
            {"liquidity_used_share": np.clip(0.1 + 0.55 * health + rng.normal(0, 0.05, size=len(day)), 0, 1)},
        ).where(farms),
        Batch("yield_reported", account, nobody, at, {"yield_rate": rate, "yield_over_benchmark": over}).where(farms),
        Batch(
            "risk_assessed",
            account,
            nobody,
            at,
            {"exposed_share": np.clip(0.45 * (1 - health) + rng.normal(0, 0.03, size=len(day)), 0, 1)},
        ),
        Batch(
            "compliance_checked",
            account,
            nobody,
            at,
            {"rule": Words(RULES, checks), "passed": chance(rng, 1 - 0.01 - 0.3 * (1 - health) ** 2)},
        ),
    ]
