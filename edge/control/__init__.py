"""The SECC's shell: it feeds the protocol cores, carries out what they want, and talks to the energy manager.

`program.py` composes; `connector.py` is the heart: one owner per connector. `lease.py`, `transaction.py` and
`telemetry.py` are pure.
"""
