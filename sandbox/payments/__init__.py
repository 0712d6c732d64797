"""A payment provider that speaks Stripe's API well enough to prove a payment saga with the real SDK."""
