"""Proof by trouble: see docs/chaos.md."""
