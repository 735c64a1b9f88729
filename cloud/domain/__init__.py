"""What a session, a price and a receipt are: pure values and functions, without database, network or clock.

Start at `session.py`: its table is the life of a charging session. `billing.py` says when energy may be billed,
`tariff.py` what it costs, `receipt.py` what the driver is given, `policy.py` who may call what.
"""
