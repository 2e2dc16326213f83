// Logs in twice with the npm package "openid-client": first with a pushed request, then with a request object.

import * as client from 'openid-client';
import { end, privateKey, refusal, settings, visit } from './wire.mjs';

const key = await privateKey();
const config = await client.discovery(
  new URL(settings.issuer), settings.clientID, { userinfo_signed_response_alg: settings.userinfoAlg }, client.PrivateKeyJwt(key),
  { execute: [client.allowInsecureRequests] }, // the provider of this test has no certificate
);

async function logIn(scope, addressOf) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expectedState = client.randomState();
  const expectedNonce = client.randomNonce();
  const back = await visit(await addressOf({
    redirect_uri: settings.redirectURI,
    scope,
    state: expectedState,
    nonce: expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  }));
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true };
  return client.authorizationCodeGrant(config, back, checks);
}

const result = {};

const first = await logIn(settings.scope, (parameters) => client.buildAuthorizationUrlWithPAR(config, parameters));
result.claims = first.claims();
result.userinfo = await client.fetchUserInfo(config, first.access_token, first.claims().sub);
result.introspection = await client.tokenIntrospection(config, first.access_token);
await client.refreshTokenGrant(config, first.refresh_token);
const again = await client.refreshTokenGrant(config, first.refresh_token); // a lost answer is given again
const second = await client.refreshTokenGrant(config, again.refresh_token);
result.refreshed = (await client.fetchUserInfo(config, second.access_token, first.claims().sub)).sub;
result.replayed = await refusal(() => client.refreshTokenGrant(config, first.refresh_token));
result.afterReplay = await refusal(() => client.refreshTokenGrant(config, second.refresh_token));
result.activeAfterReplay = (await client.tokenIntrospection(config, second.access_token)).active;

const third = await logIn('openid', (parameters) => client.buildAuthorizationUrlWithJAR(config, parameters, key));
result.claimsAgain = third.claims();
const state = client.randomState();
const after = await visit(client.buildEndSessionUrl(config, {
  id_token_hint: third.id_token, post_logout_redirect_uri: settings.afterLogoutURI, state,
}));
result.afterLogout = after.href.startsWith(settings.afterLogoutURI) && after.searchParams.get('state') === state;
result.activeAfterLogout = (await client.tokenIntrospection(config, third.access_token)).active;
end(result);
