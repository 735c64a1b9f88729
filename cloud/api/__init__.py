"""The public API: one servicer per file, served alike over gRPC, gRPC-Web and JSON.

Start at `method.py`: a method is a row with its messages and its handler. Servicers decode, call and encode;
`boundary.py` is what every transport calls; `grpc_server.py` and `web.py` are the two listeners.
"""
