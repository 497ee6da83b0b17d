// Verifies a post with the package of Standard Webhooks: {secret, body, headers, second} in, {payload} or {error} out.
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

const { secret, body, headers, second } = JSON.parse(readFileSync(0, "utf8"));
const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...words) {
    super(...(words.length ? words : [second * 1000]));
  }
  static now() {
    return second * 1000;
  }
};

let answer;
try {
  answer = { payload: new Webhook(secret).verify(body, headers) };
} catch (error) {
  answer = { error: error.message };
}
process.stdout.write(JSON.stringify(answer));
