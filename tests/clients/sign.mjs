// Signs a body with the package that its senders use: {signer, secret, body, second, id} in, {headers} out.
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";
import Stripe from "stripe";

const { signer, secret, body, second, id } = JSON.parse(readFileSync(0, "utf8"));

const signers = {
  stripe: () => ({
    "stripe-signature": new Stripe("sk_test_unused").webhooks.generateTestHeaderString({
      payload: body,
      secret,
      timestamp: second,
    }),
  }),
  standardwebhooks: () => ({
    "webhook-id": id,
    "webhook-timestamp": String(second),
    "webhook-signature": new Webhook(secret).sign(id, new Date(second * 1000), body),
  }),
};

process.stdout.write(JSON.stringify({ headers: signers[signer]() }));
