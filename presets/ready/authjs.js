export const { handlers, auth, signIn, signOut } = NextAuth({
  providers: [{
    id: 'bankid',
    name: 'BankID',
    type: 'oidc',
    issuer: '⟪issuer⟫',
    clientId: process.env.BANKID_ID,
    clientSecret: process.env.BANKID_SECRET,
    authorization: { params: { scope: 'openid profile', ui_locales: 'sv' } },
    checks: ['pkce', 'state', 'nonce'],
    profile: (claims) => ({ id: claims.sub, name: claims.name }),
  }],
  session: { strategy: 'jwt', maxAge: 60 * 60 },
  callbacks: {
    jwt: ({ token, profile }) =>
      profile ? { ...token, personalNumber: profile.personalNumber } : token,
    session: ({ session, token }) => ({ ...session, personalNumber: token.personalNumber }),
  },
});
