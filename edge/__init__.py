"""Charging controller of a station: protocol cores, the shell that runs them in real time, and the uplink.

Start with `edge.chademo.table` for what a session is, `edge.control` for the program around it, `edge.sim` for the
other side of the cable.
"""
