"""The files in `deploy/` as somebody runs them."""
