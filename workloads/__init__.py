"""What is computed: JAX workloads, timed by pytest-benchmark under one policy.

Runs alone (`pytest workloads`) or inside a launch (`python -m workloads.launch`).
Importing this package, `workloads.case` or `workloads.catalog` never imports JAX.
"""
