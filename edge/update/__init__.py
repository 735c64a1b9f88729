"""Software updates of a station: signed bundles, two slots, and a way back that needs nobody.

Start at `slots`; `bundle` says what may go into a slot, `judge` whether it may stay, `checker` whether there is a newer
one.
"""
