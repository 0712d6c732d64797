"""The crash lab: task hubs in forked processes that die where they are told to, and what is checked afterwards.

Theory of operation. `python -m crash_lab` imports the task hub and the SDK once, then answers one JSON line per
experiment (see `__main__`). An experiment plays one scenario on a new hub file in several lives. Each life is a fork
of the warm process; a `Bomb` counts the moments at which a crash makes a difference and ends the process by SIGKILL
at the wanted one. After each death a copy of the hub file is read as evidence, and the next life goes on with the file
itself, as the host does when it is started again. The last life is not killed. `checks` then compares the evidence of
all lives with a run that nothing disturbed.
"""
