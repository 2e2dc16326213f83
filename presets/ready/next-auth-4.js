export const options = {
  providers: [{
    id: 'bankid',
    name: 'BankID',
    type: 'oauth',
    wellKnown: '⟪issuer⟫/.well-known/openid-configuration',
    clientId: process.env.BANKID_ID,
    clientSecret: process.env.BANKID_SECRET,
    authorization: { params: { scope: 'openid profile', ui_locales: 'sv' } },
    idToken: true,
    checks: ['pkce', 'state', 'nonce'],
    profile: (claims) => ({ id: claims.sub, name: claims.name }),
  }],
};
