"""`make bench-verdicts`: how often `jaxrig ab` errs, and what it finds, beside its peers.

`plan` says what is measured, `ours` and `peers` measure it, `record` keeps every result as it
comes, `resample`, `table` and `plot` say what it amounts to. `guest` runs within the images.
"""

SUITE = "standard"

CASES = (
    "matmul/512/f32",
    "matmul/1024/f32",
    "activation/relu/64MiB/f32",
    "memory/triad/64MiB/f32",
    "dispatch/call/f32",
    "dispatch/chain/f32",
)
"""Two that are bound by computing, two by bandwidth and two by dispatch, in the catalogue's order.
They share a launch, so that one series of launch pairs decides all of them."""

SHARE_VARIABLE = "BALLAST"
"""Tells an image which share."""

SHARES = (0.02, 0.05, 0.1)
"""Slow-downs, of a call's time."""
