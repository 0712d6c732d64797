"""The durable task hub: orchestrators, activities, timers, events, entities, and their HTTP management API."""
