// An app on @hono/oidc-auth, which asks for every scope that the provider has.

import { webcrypto } from 'node:crypto';
import { serve } from '@hono/node-server';
import { getAuth, oidcAuthMiddleware, processOAuthCallback, revokeSession } from '@hono/oidc-auth';
import { Hono } from 'hono';

globalThis.crypto ??= webcrypto; // Node.js 18 has it, but not as a global

const { ISSUER, APP, CLIENT_ID, CLIENT_SECRET, PORT } = process.env;
Object.assign(process.env, {
  OIDC_ISSUER: ISSUER, OIDC_CLIENT_ID: CLIENT_ID, OIDC_CLIENT_SECRET: CLIENT_SECRET, OIDC_REDIRECT_URI: APP + '/callback', OIDC_AUTH_SECRET: CLIENT_SECRET,
});
const app = new Hono();
app.get('/logout', async (c) => {
  await revokeSession(c);
  return c.redirect(ISSUER + '/logout?' + new URLSearchParams({ client_id: CLIENT_ID, post_logout_redirect_uri: APP + '/goodbye' }));
});
app.get('/goodbye', (c) => c.json({}));
app.get('/callback', (c) => {
  c.set('oidcClaimsHook', async (orig, claims) => ({ ...(claims ?? orig) }));
  return processOAuthCallback(c);
});
app.use('*', oidcAuthMiddleware());
app.get('/', async (c) => c.json(await getAuth(c)));
serve({ fetch: app.fetch, port: Number(PORT), hostname: '127.0.0.1' });
