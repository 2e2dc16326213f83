// An app on Auth.js (@auth/core, which next-auth and the packages for other frameworks are made of).

import { randomBytes, webcrypto } from 'node:crypto';
import { createServer } from 'node:http';
import { Auth, skipCSRFCheck } from '@auth/core';

globalThis.crypto ??= webcrypto; // Node.js 18 has it, but not as a global

const { ISSUER, APP, CLIENT_ID, CLIENT_SECRET, PORT } = process.env;
const config = {
  basePath: '/auth',
  secret: randomBytes(32).toString('hex'),
  trustHost: true,
  providers: [{
    id: 'brygga',
    name: 'BankID',
    type: 'oidc',
    issuer: ISSUER,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    authorization: { params: { scope: 'openid profile' } },
    checks: ['pkce', 'state', 'nonce'],
    profile: (claims) => ({ id: claims.sub, name: claims.name }),
  }],
  callbacks: {
    jwt({ token, profile, account }) {
      return profile ? { ...token, claims: profile, idToken: account.id_token } : token;
    },
    session: ({ session, token }) => ({ ...session, claims: token.claims, idToken: token.idToken }),
  },
};

const ask = (path, init, more) => Auth(new Request(APP + path, init), { ...config, ...more });
const redirect = (to, headers = new Headers()) => { headers.set('Location', to); return new Response(null, { status: 303, headers }); };

async function answer(request) {
  const { pathname } = new URL(request.url);
  if (pathname.startsWith('/auth/')) return Auth(request, config);
  if (pathname === '/goodbye') return Response.json({});
  const cookies = { headers: { Cookie: request.headers.get('Cookie') ?? '' } };
  const session = await (await ask('/auth/session', cookies)).json();
  const form = (path, values) => ask(path, {
    method: 'POST', body: new URLSearchParams(values), headers: { ...cookies.headers, 'Content-Type': 'application/x-www-form-urlencoded' },
  }, { skipCSRFCheck });
  if (!session?.claims) return form('/auth/signin/brygga', { callbackUrl: APP + '/' });
  if (pathname !== '/logout') return Response.json(session.claims);
  const { headers } = await form('/auth/signout', { callbackUrl: APP + '/' });
  const query = new URLSearchParams({ id_token_hint: session.idToken, post_logout_redirect_uri: APP + '/goodbye' });
  return redirect(ISSUER + '/logout?' + query, headers);
}

createServer(async (request, response) => {
  const body = [];
  for await (const piece of request) body.push(piece);
  const answered = await answer(new Request(APP + request.url, {
    method: request.method, headers: request.headers, body: body.length ? Buffer.concat(body) : undefined,
  }));
  response.writeHead(answered.status, [...answered.headers].flat());
  response.end(Buffer.from(await answered.arrayBuffer()));
}).listen(Number(PORT), '127.0.0.1');
