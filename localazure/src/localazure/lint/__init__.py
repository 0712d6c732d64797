"""A determinism check of orchestrator source, without running any of it.

Theory of operation. `registrations.py` finds the orchestrators in the modules that the app's script imports. From each,
`reach.py` goes through every function of the app that it calls. Within one, `meanings.py` says what an expression
stands for, as a dotted text: `datetime.datetime.now` for a name under any alias, with `()` behind it for what a call
gives and for an instance of a class. The checks compare such texts with tables (`names.py`) or look at the shape of
the code. What cannot be told from the source stands for nothing, and no check complains of that.
"""
