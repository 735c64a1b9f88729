"""Power modules on a CAN bus of their own: families are codecs, a bank is many modules as one, a stage is its shell.

Start with `family.py` for the words, `bank.py` for what is decided and `cabinet.py` for who runs it.
"""
