// Listens with the package eventsource, as a page does: each message as a line of JSON. The address is the argument.
import { EventSource } from "eventsource";

const source = new EventSource(process.argv[2]);
const say = (told) => process.stdout.write(`${JSON.stringify(told)}\n`);
source.onopen = () => say({ opened: true });
source.onmessage = (event) => say({ id: JSON.parse(event.data).id, last: event.lastEventId });
source.onerror = () => say({ state: source.readyState });
process.stdin.on("end", () => process.exit(0)).resume();
