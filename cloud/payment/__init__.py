"""Payment providers behind one port: `port.py` says what they must do, `stripe.py` and `fake.py` do it.

Only the providers' own names for cards and wallets come here; card numbers never do.
"""
