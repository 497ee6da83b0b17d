// What the package node-ical reads of one event: {text} in, its parts out.
import { readFileSync } from 'node:fs';
import ical from 'node-ical';

const { text } = JSON.parse(readFileSync(0, 'utf8'));
const read = ical.sync.parseICS(text);
const event = Object.values(read).find((part) => part.type === 'VEVENT');

process.stdout.write(
  JSON.stringify({
    method: event.method ?? read.vcalendar?.method,
    uid: event.uid,
    sequence: event.sequence,
    start: event.start.toISOString(),
    end: event.end.toISOString(),
    summary: event.summary,
    location: event.location,
    organizer: event.organizer.val,
    organizerName: event.organizer.params.CN,
    attendee: event.attendee.val,
    attendeeName: event.attendee.params.CN,
    rsvp: event.attendee.params.RSVP,
  }),
);
