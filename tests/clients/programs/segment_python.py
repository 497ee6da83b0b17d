"""segment-analytics-python, as a server of a company runs it."""

from segment.analytics import Client
from turns import account, contact, turns

for host, key, numbers, flushed in turns():
    client = Client(key, host=host, upload_size=5, upload_interval=0.1)
    for n in numbers:
        told, around = {"n": n}, {"groupId": account(n)}
        if n % 4 == 0:
            client.identify(contact(n), traits=told, context=around)
        elif n % 4 == 1:
            client.group(contact(n), account(n), traits=told)
        elif n % 4 == 2:
            client.track(contact(n), "feature_used", properties=told, context=around)
        else:
            client.page(contact(n), name="Reports", properties=told, context=around)
    client.shutdown()
    flushed()
