occ app:install user_oidc
occ config:system:set user_oidc default_token_endpoint_auth_method --value=client_secret_post
occ config:system:set user_oidc use_pkce --type=boolean --value=true
occ user_oidc:provider BankID --clientid=⟪id⟫ --clientsecret=⟪secret⟫ \
  --discoveryuri=⟪issuer⟫/.well-known/openid-configuration \
  --scope="openid profile" --unique-uid=1 --mapping-uid=sub --mapping-display-name=name
