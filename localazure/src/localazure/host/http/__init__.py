"""The HTTP side of the host: routes, requests and responses, keys, CORS, admin endpoints, extension webhooks."""
