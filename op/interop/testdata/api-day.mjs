// A day of administration, with a client that was generated from the document and is used as it came: node api-day.mjs CLIENT. On standard input are the
// address of the API, its key and the token endpoint; on standard output comes what the client has got of each call.
import { pathToFileURL } from "node:url";
import { text } from "node:stream/consumers";

const { server, key, token } = JSON.parse(await text(process.stdin));
const { Api } = await import(pathToFileURL(process.argv[2]));
const { api } = new Api({
  baseUrl: server,
  baseApiParams: { secure: true },
  securityWorker: (key) => ({ headers: { "x-api-key": key } }),
  securityData: key,
});
const stranger = new Api({ baseUrl: server }).api;

const steps = {};
const step = async (name, call) => {
  const r = await call;
  steps[name] = { status: r.status, etag: r.headers.get("etag"), location: r.headers.get("location"), type: r.headers.get("content-type"), data: r.data, error: r.error };
  return steps[name];
};
// logIn says whether the app gets a token with its secret.
const logIn = async (name, secret) => {
  const r = await fetch(token, {
    method: "POST",
    headers: { authorization: "Basic " + Buffer.from(`generated:${secret}`).toString("base64"), "content-type": "application/x-www-form-urlencoded" },
    body: "grant_type=client_credentials&scope=clients%3Aread",
  });
  steps[name] = { status: r.status };
};

const app = { name: "Generated", redirect_uris: ["https://generated.example.se/callback"], api_scopes: ["clients:read"] };
await step("stranger", stranger.getClients({}));
await step("list", api.getClients({ limit: 1 }));
await step("next", api.getClients({ limit: 1, cursor: steps.list.data?.next }));
const made = await step("create", api.putClientsId({ id: "generated" }, app, { headers: { "If-None-Match": "*" } }));
await step("create again", api.putClientsId({ id: "generated" }, app, { headers: { "If-None-Match": "*" } }));
const read = await step("read", api.getClientsId("generated"));
await step("dry run", api.putClientsId({ id: "generated", dry_run: true }, { ...app, name: "Other" }, { headers: { "If-Match": read.etag } }));
const changed = await step("change", api.putClientsId({ id: "generated" }, { ...app, name: "Changed" }, { headers: { "If-Match": read.etag } }));
await step("conflict", api.putClientsId({ id: "generated" }, { ...app, name: "Late" }, { headers: { "If-Match": read.etag } }));
await step("unseen", api.putClientsId({ id: "generated" }, { ...app, name: "Unseen" }));
await step("wrong", api.patchClientsId({ id: "generated" }, { redirect_uris: ["https://a.example.se/", "javascript:alert(1)"] }, { headers: { "If-Match": changed.etag } }));
await step("no member", api.patchClientsId({ id: "generated" }, { redirect_url: "https://a.example.se/" }, { headers: { "If-Match": "*" } }));
const rotated = await step("rotate", api.postClientsIdSecrets({ id: "generated" }, { keep: "1h" }));
await logIn("old secret", made.data?.client_secret);
await logIn("new secret", rotated.data?.client_secret);
await step("disable", api.postClientsIdDisable({ id: "generated" }, { reason: "moves" }));
await logIn("disabled", rotated.data?.client_secret);
await step("audit", api.getAuditEvents({ client_id: "generated", from: "2020-01-01T00:00:00Z" }));
await step("health", api.getHealth());
await step("delete", api.deleteClientsId({ id: "generated" }, { headers: { "If-Match": "*" } }));
await step("gone", api.getClientsId("generated"));
console.log(JSON.stringify(steps));
