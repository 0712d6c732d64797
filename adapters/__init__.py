"""The outside world as the app sees it: Cosmos DB, payments, mail, secrets, tokens and settings."""
