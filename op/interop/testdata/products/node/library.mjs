// An app on the library that its first argument names, with the library's stock settings.

import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

const { ISSUER, APP, CLIENT_ID, CLIENT_SECRET, PORT } = process.env;
const callback = APP + '/callback';
const scope = ['openid', 'profile'];
const random = () => randomBytes(32).toString('base64url');
const userinfo = async (token) => (await fetch(ISSUER + '/userinfo', { headers: { Authorization: 'Bearer ' + token } })).json();

// Each has begin, which returns an address and what to keep until the answer, and finish, which returns claims.
const libraries = {
  async 'openid-client 5'() {
    const { Issuer, generators } = (await import('openid-client-5')).default;
    const client = new (await Issuer.discover(ISSUER)).Client({
      client_id: CLIENT_ID, client_secret: CLIENT_SECRET, redirect_uris: [callback], response_types: ['code'],
    });
    return {
      begin() {
        const code_verifier = generators.codeVerifier(), state = random(), nonce = random();
        const url = client.authorizationUrl({
          scope: scope.join(' '), state, nonce, code_challenge: generators.codeChallenge(code_verifier), code_challenge_method: 'S256',
        });
        return { url, keep: { code_verifier, state, nonce } };
      },
      finish: async (url, keep) => (await client.callback(callback, client.callbackParams(url), keep)).claims(),
    };
  },
  async 'simple-oauth2'() {
    const { AuthorizationCode } = await import('simple-oauth2');
    const client = new AuthorizationCode({
      client: { id: CLIENT_ID, secret: CLIENT_SECRET }, auth: { tokenHost: ISSUER, tokenPath: '/token', authorizePath: '/authorize' },
    });
    return {
      begin: (state = random()) => ({ url: client.authorizeURL({ redirect_uri: callback, scope, state }), keep: { state } }),
      async finish(url) {
        const { token } = await client.getToken({ code: new URL(url, APP).searchParams.get('code'), redirect_uri: callback, scope });
        return userinfo(token.access_token);
      },
    };
  },
  async '@badgateway/oauth2-client'() {
    const { OAuth2Client, generateCodeVerifier } = await import('@badgateway/oauth2-client');
    const client = new OAuth2Client({ server: ISSUER, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET });
    return {
      async begin() {
        const state = random(), codeVerifier = await generateCodeVerifier();
        return { url: await client.authorizationCode.getAuthorizeUri({ redirectUri: callback, state, codeVerifier, scope }), keep: { state, codeVerifier } };
      },
      async finish(url, keep) {
        const token = await client.authorizationCode.getTokenFromCodeRedirect(APP + url, { redirectUri: callback, ...keep });
        return userinfo(token.accessToken);
      },
    };
  },
  async arctic() {
    const { OAuth2Client, CodeChallengeMethod, decodeIdToken } = await import('arctic');
    const client = new OAuth2Client(CLIENT_ID, CLIENT_SECRET, callback);
    return {
      begin(state = random(), verifier = random()) {
        const url = client.createAuthorizationURLWithPKCE(ISSUER + '/authorize', state, CodeChallengeMethod.S256, verifier, scope);
        return { url, keep: { state, verifier } };
      },
      async finish(url, { verifier }) {
        const tokens = await client.validateAuthorizationCode(ISSUER + '/token', new URL(url, APP).searchParams.get('code'), verifier);
        return decodeIdToken(tokens.idToken());
      },
    };
  },
  async '@logto/connector-oidc'() {
    const { default: create } = await import('@logto/connector-oidc');
    const metadata = await (await fetch(ISSUER + '/.well-known/openid-configuration')).json();
    const connector = await create({
      getConfig: async () => ({
        authorizationEndpoint: metadata.authorization_endpoint, tokenEndpoint: metadata.token_endpoint,
        clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, scope: scope.join(' '),
        idTokenVerificationConfig: { jwksUri: metadata.jwks_uri, issuer: ISSUER },
      }),
    });
    return {
      async begin(state = random()) {
        const keep = { state };
        const url = await connector.getAuthorizationUri({ state, redirectUri: callback, connectorId: 'bankid' }, async (session) => Object.assign(keep, session));
        return { url, keep };
      },
      async finish(url, keep) {
        return (await connector.getUserInfo(Object.fromEntries(new URL(url, APP).searchParams), async () => keep)).rawData;
      },
    };
  },
};

const { begin, finish } = await libraries[process.argv[2]]();
const sessions = new Map();

async function answer(request, response) {
  const cookie = /\bapp=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1];
  const session = sessions.get(cookie);
  const redirect = (to, value = cookie) => {
    response.writeHead(303, { Location: String(to), 'Set-Cookie': `app=${value}; Path=/; HttpOnly; SameSite=Lax` }).end();
  };
  const { pathname } = new URL(request.url, APP);
  if (pathname === '/goodbye') return response.end('{}');
  if (pathname === '/callback') {
    const claims = await finish(request.url, session.keep);
    sessions.set(cookie, { claims });
    return redirect('/');
  }
  if (pathname === '/logout') {
    sessions.delete(cookie);
    return redirect(ISSUER + '/logout?' + new URLSearchParams({ client_id: CLIENT_ID, post_logout_redirect_uri: APP + '/goodbye' }));
  }
  if (session?.claims) return response.end(JSON.stringify(session.claims));
  const { url, keep } = await begin();
  const fresh = random();
  sessions.set(fresh, { keep });
  return redirect(url, fresh);
}

createServer((request, response) => {
  answer(request, response).catch((fault) => { console.error(fault); response.writeHead(500).end(String(fault)); });
}).listen(Number(PORT), '127.0.0.1');
