"""Generated from `protos/`; never edited. See `make proto`."""
