"""The vehicle's bus: a port over python-can, a fault-injecting fake beside it, and a hub for machines without CAN.

Start with `port.py`: everything else either implements that protocol or gives it something to talk to.
"""
