gitlab_rails['omniauth_enabled'] = true
gitlab_rails['omniauth_allow_single_sign_on'] = ['openid_connect']
gitlab_rails['omniauth_block_auto_created_users'] = true
gitlab_rails['omniauth_providers'] = [{
  name: 'openid_connect',
  label: 'BankID',
  args: {
    name: 'openid_connect',
    scope: ['openid', 'profile'],
    response_type: 'code',
    issuer: '⟪issuer⟫',
    discovery: true,
    client_auth_method: 'basic',
    uid_field: 'sub',
    pkce: true, # newer gems; then add --require-pkce
    client_options: {
      identifier: '⟪id⟫',
      secret: '⟪secret⟫',
      redirect_uri: '⟪app⟫/users/auth/openid_connect/callback'
    }
  }
}]
