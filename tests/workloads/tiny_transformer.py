"""Cases of the Transformer that take milliseconds."""

from dataclasses import replace

from workloads.case import Case
from workloads.catalog import find

TINY = {"vocab": 64, "layers": 2, "d_model": 32, "heads": 4, "kv_heads": 2, "ffn": 48}


def tiny(phase: str, dtype: str = "f32", **parameters: float) -> Case:
    """The catalogue's nano case of that phase, made smaller."""
    case = find(f"transformer/nano/{phase}/{dtype}")
    changed = {**case.parameters, **TINY, "batch": 2, "context": 24, **parameters}
    return replace(case, id=f"transformer/tiny/{phase}/{dtype}", parameters=changed)
