"""Whole CHAdeMO sessions: the station core wired to the vehicle core, in virtual time."""
