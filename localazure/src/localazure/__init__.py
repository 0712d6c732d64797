"""Runs an unchanged Python Durable Functions app on one machine.

Entry points: `localazure start` (commands/start.py); server.py says which processes that means.
"""
