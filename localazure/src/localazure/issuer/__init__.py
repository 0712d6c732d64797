"""An OpenID issuer whose tokens look like those of Microsoft Entra ID (v2.0 endpoints)."""
