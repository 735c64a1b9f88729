"""From the broker to the store: check, commit, and only then tell the station what may be deleted.

Start with `ports` for what a store promises, then `ingest`; `mqtt` is the shell.
"""
