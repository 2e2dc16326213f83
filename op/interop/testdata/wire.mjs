// What the clients in this folder have in common: a line of JSON with their settings comes in; then each address that a
// person has to visit goes out, and where the person comes back to comes in; at last the result goes out.

import { webcrypto } from 'node:crypto';
import { createInterface } from 'node:readline';

// Debian 12 has Node.js 18, where what browsers call crypto is not global yet.
globalThis.crypto ??= webcrypto;
globalThis.CryptoKey ??= webcrypto.CryptoKey;

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => JSON.parse((await lines.next()).value);
const write = (line) => process.stdout.write(JSON.stringify(line) + '\n');

export const settings = await read();

// visit sends the person to an address and returns the one at which they come back.
export async function visit(address) {
  write({ visit: String(address) });
  return new URL((await read()).back);
}

export function end(result) {
  write({ end: result });
  process.stdin.destroy();
}

// privateKey imports the client's key, a JWK.
export async function privateKey() {
  const { kid, ...jwk } = settings.key;
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  return { kid, key: await crypto.subtle.importKey('jwk', { ...jwk, use: undefined }, algorithm, false, ['sign']) };
}

// refusal returns the error code that a call is refused with.
export async function refusal(call) {
  try {
    await call();
  } catch (e) {
    if (e.error) return e.error;
    throw e;
  }
  return 'none';
}
