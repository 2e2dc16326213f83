// Verifies an export of the audit log: node verify.mjs FILE KEY. Written from RFC 6962 §2.1, C2SP tlog-checkpoint and C2SP signed-note.
import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";

const [path, key] = process.argv.slice(2);
const fail = (why) => { console.error(why); process.exit(1); };
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();
const leaf = (text) => sha256(Buffer.from([0]), text);
const node = (left, right) => sha256(Buffer.from([1]), left, right);

const [name, id, encoded] = [key.slice(0, key.indexOf("+")), ...key.slice(key.indexOf("+") + 1).split(/\+(.*)/s)];
const raw = Buffer.from(encoded, "base64");
if (raw[0] !== 1 || raw.length !== 33) fail("the key is no Ed25519 key");
if (sha256(Buffer.from(name + "\n"), raw).subarray(0, 4).toString("hex") !== id) fail("the key's hash is wrong");
const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), raw.subarray(1)]);
const publicKey = createPublicKey({ key: spki, format: "der", type: "spki" });

const lines = readFileSync(path).toString("latin1").split("\n");
if (lines.pop() !== "") fail("the last line has no end");
const head = JSON.parse(Buffer.from(lines.shift(), "latin1").toString());
const [text, signatures] = [head.checkpoint.slice(0, head.checkpoint.indexOf("\n\n") + 1), head.checkpoint.slice(head.checkpoint.indexOf("\n\n") + 2)];
const signed = signatures.split("\n").some((line) => {
  const [dash, who, signature] = line.split(" ");
  if (dash !== "—" || who !== name) return false;
  const bytes = Buffer.from(signature, "base64");
  return bytes.subarray(0, 4).toString("hex") === id && verify(null, Buffer.from(text), publicKey, bytes.subarray(4));
});
if (!signed) fail("the checkpoint is not signed with the key");
const [origin, size, root] = text.split("\n");
if (origin !== name) fail("the checkpoint is another log's");

const stack = [];
let left = head.first ?? 0;
for (const hash of head.before ?? []) {
  const height = 2 ** Math.floor(Math.log2(left));
  stack.push([height, Buffer.from(hash, "base64")]);
  left -= height;
}
if (left !== 0) fail("hashes of what lies before are missing");
for (const line of lines) {
  let hash = line.startsWith('{"hash":') ? Buffer.from(JSON.parse(line).hash, "base64") : leaf(Buffer.from(line, "latin1"));
  let leaves = 1;
  while (stack.length > 0 && stack.at(-1)[0] === leaves) {
    hash = node(stack.pop()[1], hash);
    leaves *= 2;
  }
  stack.push([leaves, hash]);
}
if (lines.length + (head.first ?? 0) !== Number(size)) fail(`${lines.length} events, ${size} were signed`);
let sum = stack.pop()[1];
while (stack.length > 0) sum = node(stack.pop()[1], sum);
if (sum.toString("base64") !== root) fail("the events are not those that were signed");
console.log(`${size} events, as ${name} signed them`);
