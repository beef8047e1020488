"""The report as a static site: pages that open from a file, without a server and without a network.

`site.py` is the whole of it; a module a kind of page makes what its template shows.
"""
