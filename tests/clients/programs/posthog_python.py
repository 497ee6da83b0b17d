"""posthog, which shows its key in the body only. Its own three retries last 7 seconds; here it may try longer."""

from posthog import Posthog
from turns import account, contact, turns

for host, key, numbers, flushed in turns():
    client = Posthog(key, host=host, flush_at=5, flush_interval=0.1, max_retries=10)
    for n in numbers:
        told, groups = {"n": n}, {"company": account(n)}
        if n % 4 == 0:
            client.capture("$set", distinct_id=contact(n), properties={"$set": told}, groups=groups)
        elif n % 4 == 1:
            client.group_identify("company", account(n), properties=told, distinct_id=contact(n))
        else:
            client.capture("feature_used", distinct_id=contact(n), properties=told, groups=groups)
    client.shutdown()
    flushed()
