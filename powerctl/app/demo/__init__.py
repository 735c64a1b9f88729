"""The whole product on one machine: every program as a process of its own, two simulated vehicles, a simulated
utility, scripted stories, and an observer that measures from outside. Start with `program.py`."""
