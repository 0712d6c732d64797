"""Key Vault for secrets: the REST protocol that azure-keyvault-secrets speaks, over one SQLite file."""
