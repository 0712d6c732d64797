"""Runs an unchanged Python Durable Functions app on one machine.

Entry points: `localazure start` (cli.py); server.py says which processes that means.
"""
