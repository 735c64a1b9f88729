"""The station's one way to the cloud: ships the outbox, brings commands back.

Start at `shipper`; `window` and `batches` are its pure parts, `disk` is the file that it shares with the controller.
"""
