"""Every case of the catalogue as the operations that it is made of."""

from collections.abc import Callable, Mapping

from workloads.case import ITEMSIZE_BYTES, Case
from workloads.catalog import (
    activation,
    mlp,
    mlp_operations,
    recommender,
    recommender_operations,
    transformer_operations,
    vision_operations,
)
from workloads.catalog.chain import variant_of
from workloads.catalog.matmul import OUTPUT_ITEMSIZE_BYTES
from workloads.catalog.memory import ARRAYS
from workloads.catalog.operations import (
    ADD,
    COPY,
    Access,
    Kind,
    Operation,
    elementwise,
    product,
)
from workloads.catalog.transformer_sizes import TransformerSize
from workloads.catalog.vision_sizes import MODELS

Operations = tuple[Operation, ...]


def decomposed(case: Case) -> Operations:
    """Whose FLOP add up to the case's. Nothing for what only calls, moves between devices or
    stores: its cost says all."""
    if case.workload == "memory":
        return _memory(case)
    how = _WORKLOADS.get(case.workload)
    return () if how is None else how(case)


def whole(*, flops: float, bytes_: float, dtype: str) -> Operation:
    """A call of which no more is known than its cost."""
    return Operation(
        name="call",
        part="call",
        kind="whole",
        dtype=dtype,
        shape=(),
        flops=flops,
        kept_bytes=bytes_,
    )


def _matmul(case: Case) -> Operations:
    m, k, n = (case.integer(name) for name in ("m", "k", "n"))
    found = product(
        "product",
        "kernel",
        (_optional(case, "batch"), m, k, n),
        case.dtype,
        itemsize=ITEMSIZE_BYTES[case.dtype],
        output_itemsize=OUTPUT_ITEMSIZE_BYTES[case.dtype],
        times=_optional(case, "passes"),
        variant=variant_of(case),
        axes=_optional(case, "axes"),
    )
    return (found,)


def _optional(case: Case, name: str) -> int:
    return case.integer(name) if name in case.parameters else 1


def _activation(case: Case) -> Operations:
    function, dtype = str(case.parameters["activation"]), case.dtype
    elements = case.integer("rows") * case.integer("columns")
    return (elementwise(function, "kernel", elements, dtype, itemsize=ITEMSIZE_BYTES[dtype]),)


def _dense(case: Case) -> Operations:
    batch, inputs, outputs = (case.integer(name) for name in ("batch", "inputs", "outputs"))
    dtype, itemsize = case.dtype, ITEMSIZE_BYTES[case.dtype]
    shapes = {"product": (1, batch, inputs, outputs)}
    if case.phase == "backward":
        shapes |= {
            "input gradient": (1, batch, outputs, inputs),
            "weight gradient": (1, outputs, batch, inputs),
        }
    products = (
        product(name, "kernel", shape, dtype, itemsize=itemsize) for name, shape in shapes.items()
    )
    after = activation.FLOPS_PER_ELEMENT["sigmoid"] + 1
    sigmoid = elementwise(
        "sigmoid", "kernel", batch * outputs, dtype, itemsize=itemsize, flops=after
    )
    gradient = elementwise(ADD, "kernel", batch * outputs, dtype, itemsize=itemsize, flops=4)
    return (*products, sigmoid, *((gradient,) if case.phase == "backward" else ()))


def _convolution(case: Case) -> Operations:
    names = ("batch", "size", "kernel", "stride", "inputs", "outputs")
    return (
        Operation(
            name="convolution",
            part="kernel",
            kind="convolution",
            dtype=case.dtype,
            shape=tuple(case.integer(name) for name in names),
            flops=case.cost.flops,
            passed_bytes=case.cost.bytes,
            variant=case.phase,  # type: ignore[arg-type]
        ),
    )


def _dispatch(case: Case) -> Operations:
    """Nothing, but where so much is done that another thread does it."""
    if case.parameters["kind"] not in ("handed", "woken"):
        return ()
    elements, itemsize = case.integer("elements"), ITEMSIZE_BYTES[case.dtype]
    return (elementwise(ADD, "kernel", elements, case.dtype, itemsize=itemsize, flops=1),)


def _collective(case: Case) -> Operations:
    """Of a step of training its cost, of all devices together; what else there is only moves."""
    if case.phase != "train_step":
        return ()
    return (whole(flops=case.cost.flops, bytes_=case.cost.bytes, dtype=case.dtype),)


def _transformer(case: Case) -> Operations:
    return transformer_operations.operations(
        TransformerSize.of(case),
        case.phase if case.workload == "transformer" else "decode",
        case.dtype,
        batch=case.integer("batch"),
        context=case.integer("context"),
    )


def _mlp(case: Case) -> Operations:
    images = {"validate": mlp.TEST, "infer": 1}.get(case.phase, mlp.BATCH)
    return mlp_operations.operations(
        mlp.WIDTHS,
        case.phase,
        images=images,
        batch=mlp.BATCH,
        steps=mlp.EPOCHS * mlp.TRAINING // mlp.BATCH,
    )


def _vision(case: Case) -> Operations:
    size = MODELS[str(case.parameters["model"])]
    return vision_operations.operations(size, case.phase, case.dtype, batch=case.integer("batch"))


def _recommender(case: Case) -> Operations:
    size = recommender.SIZES[str(case.parameters["size"])]
    return recommender_operations.operations(
        size, case.phase, case.dtype, batch=case.integer("batch")
    )


_ACCESS: Mapping[str, Access] = {"read": "read", "write": "write", "gather": "read"}
"""Of kernels of memory; the others read and write."""


def _memory(case: Case) -> Operations:
    """Streams and sweeps go through what lies in memory from call to call."""
    if case.phase == "capacity":
        return _transformer(case)
    kernel, times = str(case.parameters["kernel"]), _optional(case, "passes")
    if kernel == "allocate":
        return ()
    elements = case.integer("elements")
    kind: Kind = "gather" if kernel == "gather" else "chase" if kernel == "chase" else "elementwise"
    flops, kept_bytes = case.cost.flops / times, case.cost.bytes / times
    return (
        Operation(
            name=kernel,
            part="kernel",
            kind=kind,
            dtype=case.dtype,
            shape=(case.integer("loads"), 1) if kind != "elementwise" else (elements,),
            flops=flops,
            kept_bytes=kept_bytes,
            access=_ACCESS.get(kernel, "update"),
            beside_bytes=kept_bytes / ARRAYS[kernel] if kernel in ARRAYS else 0.0,
            table_bytes=float(elements * ITEMSIZE_BYTES[case.dtype]),
            function=ADD if flops else COPY,
            times=times,
        ),
    )


_WORKLOADS: Mapping[str, Callable[[Case], Operations]] = {
    "matmul": _matmul,
    "activation": _activation,
    "dense": _dense,
    "convolution": _convolution,
    "transformer": _transformer,
    "mlp": _mlp,
    "vision": _vision,
    "recommender": _recommender,
    "dispatch": _dispatch,
    "collective": _collective,
}
