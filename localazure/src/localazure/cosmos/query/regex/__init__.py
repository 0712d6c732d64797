"""Regular expressions in linear time, for RegexMatch.

Python's own matcher backtracks: a query with `(a+)+$` would hold the interpreter, and with it every other client, for
minutes. Whether a pattern occurs at all can be decided without backtracking: `syntax` reads the pattern and `machine`
follows all of its alternatives at once, one character at a time, within a budget of steps.

Supported is what such a machine can do: classes, groups, alternatives, all quantifiers (greedy or lazy makes no
difference to a yes or no), anchors, word boundaries and lookaround. A back-reference, a possessive quantifier or a
Unicode property makes the pattern invalid here.
"""

from localazure.cosmos.query.regex.machine import BudgetExceededError, Machine, machine
from localazure.cosmos.query.regex.syntax import PatternError

__all__ = ["BudgetExceededError", "Machine", "PatternError", "machine"]
