"""What the SECC switches and measures: ports first, drivers behind them, simulated twins beside them.

`ports.py` says what a power stage, pilot lines, an insulation monitor and meters must offer; everything named
`simulated_*` fulfils it without hardware and says so in serial numbers and labels.
"""
