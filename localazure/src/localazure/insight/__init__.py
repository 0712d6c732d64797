"""What the task hub knows, for a person at a terminal: instances by state, and the history of one as a timeline.

Both are read from the hub's SQLite file, never through the management API. The file has everything: attempts, retry
delays, task ids, what waits in the inbox, of which the API shows little. It is there when the system is stopped, or
hangs, and asks for no key. A reader beside the host disturbs nothing, since the file is in WAL mode and opened
read-only; what it reads is the state after some commit.
"""
