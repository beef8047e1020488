"""What is computed: JAX workloads, timed by pytest-benchmark under one policy.

Runs alone (`pytest workloads`) or inside a launch (`python -m workloads.launch`).
Importing this package, `workloads.case` or `workloads.catalog` never imports JAX.

PYTEST_DONT_REWRITE: a plugin of pytest's comes with jaxrig, and pytest would warn that it is too
late to rewrite the assertions of what a launch has imported before.
"""
