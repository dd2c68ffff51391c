"""Desired and observed in, a plan out: a DAG of atomic actions, each with its cause.

Here: pure functions; their tests are tables. `diff` prints what they return and `apply` executes it: there
is no second way.
Not here: anything that waits, and anything that looks at the world.
"""
