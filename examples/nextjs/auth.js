// BankID login with NextAuth 4, which "npm install next-auth" installs.
const { ISSUER = 'http://localhost:8080', CLIENT_ID = 'my-app', CLIENT_SECRET } = process.env;

export const logoutURL = (home) =>
  `${ISSUER}/logout?${new URLSearchParams({ client_id: CLIENT_ID, post_logout_redirect_uri: home })}`;

export const options = {
  providers: [{
    id: 'bankid',
    name: 'BankID',
    type: 'oauth', // "oidc" is the word of version 5, which version 4 takes without an error and without a login
    wellKnown: `${ISSUER}/.well-known/openid-configuration`,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    authorization: { params: { scope: 'openid profile' } },
    idToken: true,
    checks: ['pkce', 'state', 'nonce'],
    profile: (claims) => ({ id: claims.sub, name: claims.name, personalNumber: claims.personalNumber }),
  }],
  session: { strategy: 'jwt', maxAge: 60 * 60 },
  pages: { signIn: '/login', error: '/login' },
  callbacks: {
    jwt: ({ token, user }) => (user ? { ...token, personalNumber: user.personalNumber } : token),
    session: ({ session, token }) => ({ ...session, user: { id: token.sub, name: token.name, personalNumber: token.personalNumber } }),
  },
};
