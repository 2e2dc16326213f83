'use strict';

// Lets the Go test beside it drive the npm package "bankid", which is not ours: a line of JSON in is a call of the
// client, a line of JSON out its answer. {"version":5,"call":"authenticate","with":{…}} names the client and the method.
//
//   node client.cjs https://localhost:8083/rp/ client.p12 passphrase server-root.pem

const readline = require('node:readline');
const { BankIdClient, BankIdClientV6 } = require('bankid');

const [base, pfx, passphrase, ca] = process.argv.slice(2);
// Its loop asks again after so many milliseconds, answered or not, and a result is told once: a slow machine has time.
const options = { production: false, pfx, passphrase, ca, refreshInterval: 4000 };
const clients = { 5: new BankIdClient(options), 6: new BankIdClientV6(options) };

// The package knows BankID's two hosts only; everything else is left as it is.
for (const c of Object.values(clients)) c.axios.defaults.baseURL = `${base}${c.version}/`;

const generators = new Map(); // of QR codes, by order

async function call({ version, call, with: parameters }) {
  if (call === 'qr') {
    const next = await generators.get(parameters).nextQr(parameters, { maxCycles: 1 }).next();
    return next.value;
  }
  const answer = await clients[version || 6][call](parameters);
  if (answer && answer.qr) {
    generators.set(answer.orderRef, answer.qr);
    delete answer.qr;
  }
  return answer;
}

readline.createInterface({ input: process.stdin }).on('line', async (line) => {
  let out;
  try {
    out = { answer: await call(JSON.parse(line)) };
  } catch (e) {
    // The client rejects with an error of its own, or with the answer of a collect that says failed.
    out = e instanceof Error ? { error: { name: e.name, code: e.code || e.message, details: e.details } } : { failed: e };
  }
  process.stdout.write(JSON.stringify(out) + '\n');
}).on('close', () => process.exit(0)); // the package leaves timers behind
