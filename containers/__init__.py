"""Starts launches: in a hardened Docker container, or as a plain process.

Knows nothing of cases, records or results: it runs a command, hands on what it prints,
enforces limits and says how it ended.
"""
