// Has a person on the telephone log in with the npm package "openid-client": first by parameters, then by a request that jose has signed, and at
// last by one that the person declines.

import { SignJWT } from 'jose';
import * as client from 'openid-client';
import { end, privateKey, refusal, settings, visit } from './wire.mjs';

const key = await privateKey();
const config = await client.discovery(
  new URL(settings.issuer), settings.clientID, undefined, client.PrivateKeyJwt(key),
  { execute: [client.allowInsecureRequests] }, // the provider of this test has no certificate
);

async function logIn(parameters, decision) {
  const asked = await client.initiateBackchannelAuthentication(config, parameters);
  const answer = client.pollBackchannelAuthenticationGrant(config, asked);
  answer.catch(() => {}); // it may be refused before it is waited for
  await visit(`tel:${settings.person}?${decision}`);
  return answer;
}

const wanted = { scope: settings.scope, login_hint: settings.person, binding_message: 'Case 4711' };
const result = {};
const first = await logIn(wanted, 'yes');
result.claims = first.claims();
result.userinfo = await client.fetchUserInfo(config, first.access_token, first.claims().sub);
result.refreshed = (await client.refreshTokenGrant(config, first.refresh_token)).claims().sub;
const request = await new SignJWT({ ...wanted, requested_expiry: 60 }).setProtectedHeader({ alg: 'ES256', kid: key.kid })
  .setIssuer(settings.clientID).setAudience(settings.issuer).setIssuedAt().setNotBefore('0s').setExpirationTime('1m').setJti(client.randomNonce()).sign(key.key);
result.claimsAgain = (await logIn({ request }, 'yes')).claims();
result.replayed = await refusal(() => client.initiateBackchannelAuthentication(config, { request }));
result.declined = await refusal(() => logIn(wanted, 'no'));
end(result);
