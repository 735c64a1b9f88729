"""CHAdeMO, the station's half: a protocol core without input or output.

`session.advance` takes one event and the time and returns the next state with the effects that the shell carries out;
`table.py` is the sequence as data, `ramp.py` is the arithmetic of available current, `frames.py` is the bus.
"""
