"""Protobuf to domain and back, in one place: what passes here is validated, what does not is a `RemoteError`."""
