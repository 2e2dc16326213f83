vault auth enable oidc
vault write auth/oidc/config oidc_discovery_url=⟪issuer⟫ \
  oidc_client_id=⟪id⟫ oidc_client_secret=⟪secret⟫ default_role=people
vault write auth/oidc/role/people user_claim=sub groups_claim=groups oidc_scopes=profile \
  allowed_redirect_uris=⟪app⟫/ui/vault/auth/oidc/oidc/callback \
  allowed_redirect_uris=http://localhost:8250/oidc/callback \
  claim_mappings=name=name token_ttl=1h
