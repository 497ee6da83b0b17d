"""What checks say of steps that wait, invite and consult."""

from tests.unit.playbooks.check_lines import EXPIRED, GIFT, MAIL, OFFER, one, step

WAIT = step("hold", "kind: wait, after: 4h, within: 48h, until: {responded: true}, then: deep, otherwise: mild")
ONLY_THEN = WAIT.replace(", otherwise: mild", "")
ONLY_OTHERWISE = WAIT.replace("then: deep, ", "")

# As in `test_checks`: by check, playbooks by id, and what is said of them.
FURTHER: dict[str, list[tuple[dict[str, str], str]]] = {
    "reachable_steps": [
        (
            {"one": one(WAIT + step("call", "kind: task, after: 48h, path: deep"))},
            "playbooks/one.yaml:5: 'hold' leads to the path 'mild', which no step below it is on.",
        ),
        (
            {
                "one": one(
                    ONLY_THEN.replace("4h", "24h") + step("call", "kind: task, after: next_business_day, path: deep")
                )
            },
            (
                "playbooks/one.yaml:6: 'call' comes before its path 'deep', which 'hold' opens only after 24h, "
                "for a start on Monday 10:00; make it later."
            ),
        ),
        (
            {"one": one(ONLY_OTHERWISE + step("call", "kind: task, after: 47h, path: mild"))},
            (
                "playbooks/one.yaml:6: 'call' comes before its path 'mild', which 'hold' opens only after 48h, "
                "for a start on Monday 00:00; make it later."
            ),
        ),
    ],
    "living_offers": [
        (
            {
                "one": one(
                    OFFER
                    + ONLY_THEN.replace("48h", "4d")
                    + MAIL.replace("after: 1h", "mentions: [gift], after: 4h, path: deep"),
                    GIFT,
                )
            },
            "playbooks/one.yaml:8: 'mail' mentions the offer 'gift' when it has expired: " + EXPIRED,
        ),
        (
            {
                "one": one(
                    ONLY_THEN
                    + OFFER.replace("0m", "4h, path: deep")
                    + MAIL.replace("after: 1h", "mentions: [gift], after: 24h"),
                    GIFT,
                )
            },
            (
                "playbooks/one.yaml:8: 'mail' mentions the offer 'gift' before 'offer' makes it, "
                "for a start on Monday 00:00."
            ),
        ),
    ],
    "fitting_waits": [
        (
            {"one": one(step("hold", "kind: wait, after: 1h, within: 2h, until: {responded: true}"))},
            "playbooks/one.yaml:5: 'hold' leads nowhere; name the path 'then', 'otherwise' or both.",
        ),
        (
            {
                "one": one(
                    ONLY_THEN.replace("after", "only_if: {band: low}, after")
                    + step("call", "kind: task, after: 4h, path: deep")
                )
            },
            "playbooks/one.yaml:5: 'hold' is a wait, which asks by 'until' alone; leave 'only_if' out.",
        ),
        (
            {
                "one": one(
                    ONLY_THEN.replace("after", "late: skip, after") + step("call", "kind: task, after: 4h, path: deep")
                )
            },
            "playbooks/one.yaml:5: 'hold' is a wait, which asks by 'until' alone; leave 'late' out.",
        ),
    ],
    "fitting_meetings": [
        (
            {
                "one": one(
                    step("invite", "kind: calendar, template: hello, after: 4h, starts: 4h, lasts: 30m, place: Here")
                )
            },
            (
                "playbooks/one.yaml:5: 'invite' is due after 4h, when its meeting (4h) has begun, "
                "for a start on Monday 00:00; let it start later."
            ),
        ),
        (
            {
                "one": one(
                    step("invite", "kind: calendar, template: hello, after: 4h, starts: 1d, lasts: 30m, place: rom")
                )
            },
            "playbooks/one.yaml:5: unknown link 'rom'. Did you mean 'room'?",
        ),
        (
            {
                "one": one(
                    ONLY_THEN
                    + step(
                        "invite",
                        "kind: calendar, template: hello, after: 4h, path: deep, starts: day 1, lasts: 1h, place: room",
                    )
                )
            },
            (
                "playbooks/one.yaml:6: 'invite' is due after 4h, when its meeting (day 1) has begun, "
                "for a start on Monday 00:00; let it start later."
            ),
        ),
    ],
    "known_experts": [
        (
            {"one": one(step("ask", "kind: consult, role: csm, after: 1h, expert: explaned"))},
            "playbooks/one.yaml:5: unknown expert 'explaned'. Did you mean 'explained'?",
        ),
        (
            {"one": one(step("ask", "kind: consult, role: csm, after: 1h, metrics: [seats, seat]"))},
            "playbooks/one.yaml:5: unknown metric 'seat'. Did you mean 'seats'?",
        ),
    ],
}
FURTHER_GOOD = {
    "wait": one(
        WAIT
        + step("a", "kind: task, after: 4h, path: deep")
        + step("b", "kind: task, after: 48h, clock: contact, path: mild")
    ),
    "wait_with_an_offer": one(
        ONLY_THEN
        + OFFER.replace("0m", "4h, path: deep")
        + MAIL.replace("after: 1h", "mentions: [gift], after: 5h, path: deep"),
        GIFT,
    ),
    "meeting": one(
        step(
            "invite",
            "kind: calendar, template: hello, after: 4h, starts: 2 business days at 14:00, lasts: 30m, place: room",
        )
    ),
}
