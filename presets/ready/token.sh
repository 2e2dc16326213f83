curl -u "⟪id⟫:⟪secret⟫" -d grant_type=client_credentials ⟪issuer⟫/token
