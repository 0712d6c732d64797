"""Runs the functions of one app: finds them, listens for what triggers them, invokes them, writes what they return.

server.py tells the start-up order; invocation.py is the one way by which user code runs.
"""
