"""The page for drivers and operators: its source is in `src`, its built bundle in `dist`, `assets.py` serves it."""
