"""HTTP and the RPC protocol: decode, verify, dispatch, encode. Knows no resource."""
