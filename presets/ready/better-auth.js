export const auth = betterAuth({
  baseURL: '⟪app⟫',
  plugins: [genericOAuth({
    config: [{
      providerId: 'bankid',
      discoveryUrl: '⟪issuer⟫/.well-known/openid-configuration',
      clientId: process.env.BANKID_ID,
      clientSecret: process.env.BANKID_SECRET,
      scopes: ['openid', 'profile'],
      pkce: true,
    }],
  })],
  account: { accountLinking: { enabled: false } },
});
