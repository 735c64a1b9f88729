"""Grid sources beside the register map: contacts, schedules, meters, other people's registers, frequency, OpenADR.

Each has a pure core that yields contributions to the cap, and a thin shell that brings its measurements or messages.
Start at `source.py` (what a source is), then one core, then `assembly.py` (from settings to running shells).
"""
