"""Sources in every state, with keys, a ledger and rejected events; one carries markup everywhere."""

import json
from datetime import datetime, timedelta

from keepwell.jobs.key import do_create_key, do_note_leak, do_revoke_key
from keepwell.store.models import ApiKey, LedgerCount, RejectedEvent, Source
from tests.jobs.intake_world import HOUR, plant_hour, plant_rejected, plant_source
from tests.web.world import BREAKOUT, EMAIL, MARKER


def plant_sources(now: datetime) -> None:
    """web-app sends, crm fell silent, billing is stopped, survey never sent, and the hostile one sent markup."""
    web, crm = plant_source("web-app", now=now), plant_source("crm", now=now, minutes_ago=60 * 30)
    plant_source("survey", now=now, minutes_ago=None)
    plant_source("billing", connector="stripe", now=now, minutes_ago=60 * 24 * 9)
    Source.objects.filter(name="billing").update(is_active=False)
    for hours in range(24 * 30):
        busy = 40 + 60 * (8 <= (now - hours * HOUR).hour <= 18)
        plant_hour(
            web, now - hours * HOUR, {"accepted": busy, "duplicate": hours % 5, "rejected:no_subject": hours % 3}
        )
        if hours > 30:
            plant_hour(crm, now - hours * HOUR, {"accepted": 12})
    plant_rejected(web, "no_subject", 7, body=json.dumps({"type": "track", "event": "signed_in"}).encode(), now=now)
    plant_rejected(web, "too_far_ahead", 1, body=b"\xff\xfe\x00", now=now)
    for kind, note in (("srv", "backend"), ("ing", "shop front"), ("ing", "old shop front")):
        key, text = do_create_key(kind, source="web-app", note=note, by=EMAIL, now=now)
        if note == "shop front":
            do_note_leak(text, where="test", now=now)
        if note == "old shop front":
            do_revoke_key(str(key), by=EMAIL, now=now)
    do_create_key("red", note="weekly report", by="cli:root", now=now)
    plant_hostile(now)


def plant_hostile(now: datetime) -> Source:
    """Written past every check, as nothing of ours would."""
    source = plant_source(f"h{MARKER}{BREAKOUT}", connector=f"c{MARKER}", now=now)
    plant_hour(source, now - HOUR, {"accepted": 3})
    code = f"c{BREAKOUT}"
    LedgerCount.objects.create(
        source=source.pk, key=1, hour=(now - HOUR).replace(minute=0, second=0, microsecond=0), outcome="rejected",
        reason=code[:64], count=2,
    )  # fmt: skip
    RejectedEvent.objects.create(
        source=source.pk, known_at=now - timedelta(minutes=4), dialect=f"d{BREAKOUT}"[:64], code=code[:64],
        sentence=f"s{MARKER}", message_id=f"m{MARKER}", body=f'{{"event": "{MARKER}{BREAKOUT}"}}'.encode(),
    )  # fmt: skip
    ApiKey.objects.create(
        kind="ing", prefix="hostile0", digest="0" * 64, source=source, note=f"n{MARKER}", created_at=now,
        created_by=f"b{BREAKOUT}",
    )  # fmt: skip
    return source
