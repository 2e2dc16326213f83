// Logs in twice with the npm package "oauth4webapi", which leaves each step and each check to be called by name.

import * as oauth from 'oauth4webapi';
import { end, privateKey, refusal, settings, visit } from './wire.mjs';

const plain = { [oauth.allowInsecureRequests]: true }; // the provider of this test has no certificate
const issuer = new URL(settings.issuer);
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, plain));
const client = { client_id: settings.clientID };
const auth = oauth.PrivateKeyJwt(await privateKey());

async function logIn() {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const expectedNonce = oauth.generateRandomNonce();
  const pushed = await oauth.processPushedAuthorizationResponse(as, client, await oauth.pushedAuthorizationRequest(as, client, auth, {
    response_type: 'code',
    redirect_uri: settings.redirectURI,
    scope: settings.scope,
    state,
    nonce: expectedNonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }, plain));
  const authorize = new URL(as.authorization_endpoint);
  authorize.searchParams.set('client_id', settings.clientID);
  authorize.searchParams.set('request_uri', pushed.request_uri);
  const parameters = oauth.validateAuthResponse(as, client, await visit(authorize), state);
  const response = await oauth.authorizationCodeGrantRequest(as, client, auth, parameters, settings.redirectURI, verifier, plain);
  return oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce, requireIdToken: true });
}

const refresh = async (token) => {
  const response = await oauth.refreshTokenGrantRequest(as, client, auth, token, plain);
  return oauth.processRefreshTokenResponse(as, client, response);
};
const userinfo = async (token, sub) => {
  const response = await oauth.userInfoRequest(as, client, token, plain);
  return oauth.processUserInfoResponse(as, client, sub, response);
};
const introspect = async (token) => {
  const response = await oauth.introspectionRequest(as, client, auth, token, plain);
  return oauth.processIntrospectionResponse(as, client, response);
};
const revoke = async (token) => oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, token, plain));

const result = {};

const first = await logIn();
const { sub } = result.claims = oauth.getValidatedIdTokenClaims(first);
result.userinfo = await userinfo(first.access_token, sub);
result.introspection = await introspect(first.access_token);
await refresh(first.refresh_token);
const second = await refresh((await refresh(first.refresh_token)).refresh_token); // a lost answer is given again
result.refreshed = (await userinfo(second.access_token, sub)).sub;
result.replayed = await refusal(() => refresh(first.refresh_token));
result.afterReplay = await refusal(() => refresh(second.refresh_token));
result.activeAfterReplay = (await introspect(second.access_token)).active;

const third = await logIn();
result.claimsAgain = oauth.getValidatedIdTokenClaims(third);
await revoke(third.refresh_token);
result.activeAfterRevocation = (await introspect(third.access_token)).active;
const logout = new URL(as.end_session_endpoint);
logout.search = new URLSearchParams({ id_token_hint: third.id_token, post_logout_redirect_uri: settings.afterLogoutURI, state: 's' });
const after = await visit(logout);
result.afterLogout = after.href === settings.afterLogoutURI + '?state=s';
end(result);
