"""Divides one budget between connectors.

The fast path is pure arithmetic: `allocator.decide` takes a snapshot and answers with one decision per connector.
`ledger` holds what every connector may still draw, so that power is shed before it is given. The plan (`plan_*`) is
computed in a process of its own and only shapes how the fast path divides what is free. Start with `allocator`.
"""
