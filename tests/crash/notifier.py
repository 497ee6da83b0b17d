"""What a test does to a home in a process that may be killed: `queue` a notice, `deliver` what is due as of moments."""

import sys
from datetime import datetime

from keepwell.base.business_time import Calendar
from keepwell.cli.start import start
from keepwell.facts.notice import Notice


def main(what: str, *moments: str) -> None:
    settings = start()
    from keepwell.jobs.deliver import Post
    from keepwell.jobs.notify import do_queue_notifications

    if what == "queue":
        notice = Notice(
            subject="alert",
            subject_id=1,
            account_name="Harbour Lights",
            title="Health score below 20",
            sentence="The health score fell from 41 to 18.",
            severity="critical",
            roles=("admin",),
            link="/alerts/1",
        )
        do_queue_notifications([notice], calendar=Calendar(), by="test", now=datetime.fromisoformat(*moments))
    for at in moments if what == "deliver" else ():
        print(dict(Post(settings, wait_s=30).do_deliver_notifications(now=datetime.fromisoformat(at))))


if __name__ == "__main__":
    main(*sys.argv[1:])
