// The mail server of the package smtp-server, which answers as it is told.
// Each line that it reads is JSON, and it answers each with a line of JSON:
//   {"stage": "greeting", "how": "451"}   from now on; how is a code, "silence" or "reset", "" for yes
//   {"ask": "taken"}                      the mails whose final dot came and that were not refused, and forget them
import { createInterface } from 'node:readline';
import { SMTPServer } from 'smtp-server';

const [security] = process.argv.slice(2);
let plan = { stage: '', how: '' };
let taken = [];

const reset = () => server.connections.forEach((connection) => connection._socket.resetAndDestroy());

function answer(stage, callback, yes) {
  if (plan.stage !== stage || plan.how === '') return callback(null, yes);
  if (plan.how === 'reset') return reset();
  if (plan.how === 'silence') return undefined;
  return callback(Object.assign(new Error('as it was told'), { responseCode: Number(plan.how) }));
}

const server = new SMTPServer({
  secure: security === 'tls',
  authOptional: true,
  allowInsecureAuth: true,
  authMethods: ['PLAIN'],
  disableReverseLookup: true,
  onConnect: (session, callback) => answer('greeting', callback),
  onAuth: (auth, session, callback) => answer('login', callback, { user: auth.username }),
  onMailFrom: (address, session, callback) => answer('MAIL', callback),
  onRcptTo: (address, session, callback) => answer('RCPT', callback),
  onData(stream, session, callback) {
    if (plan.stage === 'content') {
      if (plan.how === 'reset') stream.once('data', reset);
      return;
    }
    const parts = [];
    stream.on('data', (part) => parts.push(part));
    stream.on('end', () => {
      const isRefused = plan.stage === 'final dot' && /^\d/.test(plan.how);
      const { mailFrom, rcptTo } = session.envelope;
      const mail = Buffer.concat(parts).toString('base64');
      if (!isRefused) taken.push({ mail, from: mailFrom.address, to: rcptTo.map((one) => one.address) });
      answer('final dot', callback);
    });
  },
});
server.on('error', () => {});

const say = (told) => process.stdout.write(`${JSON.stringify(told)}\n`);
server.listen(0, '127.0.0.1', () => say({ port: server.server.address().port }));
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const told = JSON.parse(line);
    if (told.ask === 'taken') {
      say({ taken });
      taken = [];
    } else {
      plan = told;
      say({});
    }
  })
  .on('close', () => process.exit(0));
