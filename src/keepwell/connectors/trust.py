"""What only a server key or a connector may say.

A key that sits in a browser can be copied by anybody who opens the page; it must not be able to give an
account another plan, or a contact another consent.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from keepwell.facts.traits import ACCOUNT_EVENTS, CONTACT_EVENTS

# Merges of identities, under the name that all dialects give them.
MERGE: Final = "contact_aliased"

# Events whose properties become traits, in the spellings that the catalogue and Segment's specification know.
TELLING_NAMES: Final = frozenset(
    [
        *ACCOUNT_EVENTS,
        *CONTACT_EVENTS,
        "Account Added User",
        "Account Created",
        "Account Deleted",
        "Account Updated",
        "Contact Updated",
        "Group",
        "Identify",
    ]
)

# In one spelling: lower case, letters and digits only.
_GUARDED_WORDS: Final = """
accountmanager accountowner csm csmemail csmid owner owneremail ownerid ownername
addons apilimit basicplan billingplan plan planid planname planprice planterm teamseats seats usagelimit
acv amount annualrevenue arr balance contractvalue credit currency discount lifetimevalue ltv mrr price revenue tcv
billingstatus contractend contractendsat contractstart paymentstatus renewal renewalat renewaldate renewalon status
subscription subscriptionid subscriptionstatus trialends trialendsat
band churned churnedat healthscore score
consent consentgiven donotcall donotcontact donotemail emailconsent emailoptin emailoptout gdprconsent
marketingconsent marketingoptin optedin optedout optin optout smsconsent smsoptin subscribed unsubscribed
"""
GUARDED: Final = frozenset(_GUARDED_WORDS.split())


def guarded_trait(names: Iterable[str]) -> str | None:
    """The first name of a trait that needs a server key, as it was spelt; any case and separators count as one."""
    for name in names:
        if _is_guarded(name):
            return name
    return None


@lru_cache(maxsize=4096)
def _is_guarded(name: str) -> bool:
    return len(name) < 128 and re.sub(r"[\W_]+", "", name.casefold()) in GUARDED
