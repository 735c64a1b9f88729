"""What the grid asks of the station: signals in, one effective cap out.

Start at `arbitration.py` (the cap and who set it), then `lpc.py` (what a source's silence means), `mailbox.py` (one
source's registers as a state machine), `layout.py` (the register map) and `service.py` (the shell that owns them all).
"""
