"""The managed identity endpoint of App Service, which ManagedIdentityCredential asks for tokens."""
