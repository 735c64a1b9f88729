"""Carries decisions to the charging controllers as leases, and their reports back.

`leases` (pure) numbers setpoints and knows when one must be renewed; `outbox` keeps what a slow peer has not taken yet,
newest first per connector; `server` is the gRPC service. Start with `leases`.
"""
