"""Telling drivers that charging has finished, was stopped or is slowed: by Web Push and by e-mail.

Start at `notifier.py`; `push.py` is the protocol without a network, `reach.py` keeps it off private addresses.
"""
