// Has a person sign a text, with the npm package "jose" alone: it signs what is asked for and the client's assertion, and verifies the ID token. What the
// signature is of is read with what Node.js has.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { SignJWT, createRemoteJWKSet, jwtVerify } from 'jose';
import { end, privateKey, settings, visit } from './wire.mjs';

const { key, kid } = await privateKey();
const provider = await (await fetch(settings.issuer + '/.well-known/openid-configuration')).json();
const base64 = (text) => Buffer.from(text).toString('base64');
const jwt = (claims) => new SignJWT({ aud: settings.issuer, ...claims }).setProtectedHeader({ alg: 'ES256', kid }).setIssuer(settings.clientID).setIssuedAt().setExpirationTime('2m').sign(key);

const text = 'Jag säljer min cykel.\nPris: 1 000 kr';
const data = base64(randomBytes(48));
const nonce = randomBytes(16).toString('base64url');
const verifier = randomBytes(32).toString('base64url');
const authorize = new URL(provider.authorization_endpoint);
authorize.search = new URLSearchParams({
  client_id: settings.clientID, redirect_uri: settings.redirectURI, response_type: 'code', nonce, state: 'mine',
  scope: settings.scope, prompt: 'login consent', code_challenge_method: 'S256', code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  claims: JSON.stringify({ id_token: { 'https://id.oidc.se/claim/authnEvidence': null, 'https://id.oidc.se/claim/userCertificate': null } }),
  'https://id.oidc.se/param/signRequest': await jwt({ tbs_data: base64(data), sign_message: { message: base64(text), mime_type: 'text/plain' } }),
});
const back = await visit(authorize);
assert.equal(back.searchParams.get('error_description'), null);
assert.equal(back.searchParams.get('state'), 'mine');

const answer = await (await fetch(provider.token_endpoint, {
  method: 'POST',
  body: new URLSearchParams({
    grant_type: 'authorization_code', code: back.searchParams.get('code'), redirect_uri: settings.redirectURI, code_verifier: verifier,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await jwt({ sub: settings.clientID, jti: randomBytes(16).toString('hex') }),
  }),
})).json();
const { payload: claims } = await jwtVerify(answer.id_token, createRemoteJWKSet(new URL(provider.jwks_uri)), {
  issuer: settings.issuer, audience: settings.clientID, requiredClaims: ['auth_time', 'nonce', 'https://id.oidc.se/claim/userSignature'],
});
assert.equal(claims.nonce, nonce);

const xml = Buffer.from(claims['https://id.oidc.se/claim/userSignature'], 'base64').toString();
const [, visible] = xml.match(/<usrVisibleData [^>]*>([^<]*)</);
const [, hidden] = xml.match(/<usrNonVisibleData>([^<]*)</);
assert.equal(Buffer.from(visible, 'base64').toString(), text);
assert.equal(Buffer.from(hidden, 'base64').toString(), data);

const userinfo = await (await fetch(provider.userinfo_endpoint, { headers: { authorization: 'Bearer ' + answer.access_token } })).json();
assert.equal(userinfo['https://id.oidc.se/claim/userSignature'], undefined);
end({ claims, userinfo });
