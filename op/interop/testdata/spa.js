// A single-page app on the npm package "oidc-client-ts", public and with PKCE. It is opened as /#ISSUER; the test calls what
// it leaves in window.app.

if (location.hash) sessionStorage.issuer = location.hash.slice(1);
const manager = new oidc.UserManager({
  authority: sessionStorage.issuer,
  client_id: 'spa',
  redirect_uri: location.origin + '/callback',
  post_logout_redirect_uri: location.origin + '/goodbye',
  loadUserInfo: true,
  filterProtocolClaims: false, // keeps acr, amr and auth_time
  automaticSilentRenew: false,
});
const failed = (e) => { app.fault = String(e); };
const view = (user) => user && { claims: user.profile, token: user.access_token, refresh: user.refresh_token };

window.app = {
  // logIn and logOut leave the page.
  logIn: (scope) => { manager.signinRedirect({ scope }).catch(failed); },
  renew: () => manager.signinSilent().then(view),
  revoke: () => manager.revokeTokens(['access_token', 'refresh_token']).then(() => true),
  logOut: () => { manager.signoutRedirect().catch(failed); },
  // userinfo is what any page of this origin may do with the token.
  userinfo: (token) => manager.metadataService.getUserInfoEndpoint()
    .then((url) => fetch(url, { headers: { Authorization: 'Bearer ' + token } })).then((r) => r.status),
  // refused returns the error code of a refresh token that is not taken any more.
  refused: (token) => manager.metadataService.getTokenEndpoint()
    .then((url) => fetch(url, {
      method: 'POST', body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token, client_id: 'spa' }),
    })).then((r) => r.json()).then((body) => body.error),
};
if (location.pathname === '/callback') {
  manager.signinRedirectCallback().then(view).then((user) => { app.user = user; }, failed);
} else if (location.pathname === '/goodbye') {
  manager.signoutRedirectCallback().then(() => { app.out = true; }, failed);
}
