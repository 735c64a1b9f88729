"""Energy manager of a charging station with two connectors.

Start with `powerctl.core` for the words, `powerctl.allocation` for the decision, `powerctl.app` for the programs.
"""
