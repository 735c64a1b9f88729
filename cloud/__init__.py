"""Back end of the stations: ingest, system of record, public API and the page.

Start with `cloud.domain` for what a session and a receipt are, `cloud.api` for what can be asked.
"""
