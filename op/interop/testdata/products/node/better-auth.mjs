// An app on better-auth with its plugin genericOAuth, as docs/integrations/better-auth.md has it.

import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { toNodeHandler } from 'better-auth/node';
import { genericOAuth } from 'better-auth/plugins';

const { ISSUER, APP, CLIENT_ID, CLIENT_SECRET, PORT } = process.env;
const auth = betterAuth({
  baseURL: APP,
  secret: randomBytes(32).toString('hex'),
  database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
  plugins: [genericOAuth({
    config: [{
      providerId: 'bankid',
      discoveryUrl: ISSUER + '/.well-known/openid-configuration',
      clientId: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      scopes: ['openid', 'profile'],
      pkce: true,
    }],
  })],
});
const handle = toNodeHandler(auth);

createServer(async (request, response) => {
  const { pathname } = new URL(request.url, APP);
  const headers = new Headers({ cookie: request.headers.cookie ?? '', origin: APP });
  const follow = (answer, to) => response.writeHead(303, { Location: to, 'Set-Cookie': answer.getSetCookie() }).end();
  try {
    if (pathname.startsWith('/api/auth/')) return handle(request, response);
    if (pathname === '/goodbye') return response.end('{}');
    if (pathname === '/logout') {
      const out = await auth.api.signOut({ headers, returnHeaders: true });
      return follow(out.headers, ISSUER + '/logout?' + new URLSearchParams({ client_id: CLIENT_ID, post_logout_redirect_uri: APP + '/goodbye' }));
    }
    const session = await auth.api.getSession({ headers });
    if (session) return response.end(JSON.stringify(session.user));
    const begun = await auth.api.signInSocial({ body: { provider: 'bankid', callbackURL: APP + '/' }, headers, returnHeaders: true });
    return follow(begun.headers, begun.response.url);
  } catch (fault) {
    console.error(fault);
    return response.writeHead(500).end(String(fault));
  }
}).listen(Number(PORT), '127.0.0.1');
