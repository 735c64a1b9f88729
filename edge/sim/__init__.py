"""The vehicle's half of the protocols: simulated cars with batteries that taper, and the program that plugs one in.

`vehicle.py` is the car as a pure core, `models.py` are the cars, `program.py` connects one to a CAN bus and a plant
port.
"""
