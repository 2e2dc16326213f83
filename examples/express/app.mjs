// BankID login in Express. Sessions are kept in memory: give express-session a store before you go live.
import { randomBytes } from 'node:crypto';
import express from 'express';
import session from 'express-session';
import * as oidc from 'openid-client';

const { ISSUER = 'http://localhost:8080', CLIENT_ID = 'my-app', CLIENT_SECRET, PORT = '3000' } = process.env;
const home = process.env.APP ?? `http://localhost:${PORT}`;
const callback = `${home}/callback`;
const insecure = ISSUER.startsWith('http:') ? { execute: [oidc.allowInsecureRequests] } : {};
const bankid = await oidc.discovery(new URL(ISSUER), CLIENT_ID, undefined, oidc.ClientSecretBasic(CLIENT_SECRET), insecure);

const app = express();
app.use(session({
  secret: process.env.SESSION_SECRET ?? randomBytes(32).toString('hex'), resave: false, saveUninitialized: false,
  cookie: { httpOnly: true, sameSite: 'lax', secure: home.startsWith('https:') },
}));

const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt()};`);
const show = (response, body) => response.send(`<!doctype html><html lang="en"><title>My app</title>${body}</html>`);
const loginLink = '<p><a href="/login">Log in with BankID</a></p>';

app.get('/', (request, response) => {
  const person = request.session.person;
  if (!person) return show(response, loginLink);
  return show(response, `<p>Hello, ${escape(person.name)}. Your personal number is ${escape(person.personalNumber)}.</p>
    <form method="post" action="/logout"><button>Log out</button></form>`);
});

app.get('/login', async (request, response) => {
  const login = { verifier: oidc.randomPKCECodeVerifier(), state: oidc.randomState(), nonce: oidc.randomNonce() };
  request.session.login = login;
  response.redirect(oidc.buildAuthorizationUrl(bankid, {
    redirect_uri: callback, scope: 'openid profile', state: login.state, nonce: login.nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(login.verifier), code_challenge_method: 'S256',
  }));
});

app.get('/callback', async (request, response, next) => {
  const { login } = request.session;
  if (!login) return response.redirect('/');
  delete request.session.login;
  try {
    const tokens = await oidc.authorizationCodeGrant(bankid, new URL(request.originalUrl, home), {
      pkceCodeVerifier: login.verifier, expectedState: login.state, expectedNonce: login.nonce,
    });
    const { sub, name, personalNumber } = tokens.claims();
    return request.session.regenerate((fault) => { // a new session for who is now somebody else
      if (fault) return next(fault);
      request.session.person = { sub, name, personalNumber };
      return response.redirect('/');
    });
  } catch (fault) {
    const cancelled = fault.error === 'access_denied';
    if (!cancelled) console.error(fault);
    return show(response, `<p>${cancelled ? 'You were not logged in. Nothing has happened.' : 'The login did not work.'}</p>${loginLink}`);
  }
});

app.post('/logout', (request, response) => {
  request.session.destroy(() => response.redirect(303, oidc.buildEndSessionUrl(bankid, { post_logout_redirect_uri: `${home}/` }).href));
});

app.listen(Number(PORT), '127.0.0.1', () => console.log(`open ${home}/`));
