// Reads messages, a line of JSON each with headers and body, verifies them with the secret that is given, and writes what they say, or "refused".
import { createInterface } from "node:readline";
import { Webhook, WebhookVerificationError } from "standardwebhooks";

const webhook = new Webhook(process.argv[2]);
for await (const line of createInterface({ input: process.stdin })) {
  const { headers, body } = JSON.parse(line);
  try {
    console.log(JSON.stringify(webhook.verify(body, headers)));
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error;
    console.log('"refused"');
  }
}
