// An app on @fastify/oauth2, whose settings come from discovery.

import Fastify from 'fastify';
import cookie from '@fastify/cookie';
import oauth2 from '@fastify/oauth2';
import { randomBytes } from 'node:crypto';

const { ISSUER, APP, CLIENT_ID, CLIENT_SECRET, PORT } = process.env;
const app = Fastify();
const sessions = new Map();
await app.register(cookie);
await app.register(oauth2, {
  name: 'bankid', scope: ['openid', 'profile'], credentials: { client: { id: CLIENT_ID, secret: CLIENT_SECRET } },
  startRedirectPath: '/login', callbackUri: APP + '/callback', discovery: { issuer: ISSUER },
  cookie: { secure: false, sameSite: 'lax' },
});
app.get('/', (request, reply) => sessions.get(request.cookies.app) ?? reply.redirect('/login'));
app.get('/callback', async (request, reply) => {
  const { token } = await app.bankid.getAccessTokenFromAuthorizationCodeFlow(request);
  const session = randomBytes(16).toString('hex');
  sessions.set(session, await app.bankid.userinfo(token.access_token));
  return reply.setCookie('app', session, { path: '/', httpOnly: true, sameSite: 'lax' }).redirect('/');
});
app.get('/logout', (request, reply) => {
  sessions.delete(request.cookies.app);
  return reply.redirect(ISSUER + '/logout?' + new URLSearchParams({ client_id: CLIENT_ID, post_logout_redirect_uri: APP + '/goodbye' }));
});
app.get('/goodbye', () => ({}));
await app.listen({ port: Number(PORT), host: '127.0.0.1' });
