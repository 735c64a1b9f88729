"""The system of record: SQLite by default, PostgreSQL by its address; one schema, one set of queries.

`store.py` is the door: `commit` takes a station's records into inbox and projections in one transaction, reads
return domain values, and `feed.py` tells watchers what changed once it is committed.
"""
