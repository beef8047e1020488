"""The report's pages live from a database, and the same as JSON: `jaxrig serve`.

`application.py` is the whole of it: which address is answered by what. `source.py` reads, a module
a kind of page or document makes what is told, `parameters.py` says what can be asked.
"""
