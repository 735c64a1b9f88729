"""The other side of the station's grid interface, behaving and misbehaving: for the demo, the tests and a laptop.

Start at `utility.py`.
"""
