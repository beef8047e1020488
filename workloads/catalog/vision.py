"""Image classifiers: a ResNet and a Vision Transformer, forward and one step of training."""

from collections.abc import Mapping

from workloads.case import FULL, ITEMSIZE_BYTES, PROCESS_BYTES, QUICK, STANDARD, Case, Cost, Work
from workloads.catalog import activation
from workloads.catalog.vision_sizes import MODELS, ResNetSize, VitSize, taps

FORWARD_TOLERANCES = {
    # 3e-6 on CPU. Accelerators convolve and multiply in TF32 by default, with two bits more
    # than bf16, which here costs 0.0085 (ResNet-50) and 0.024 (ViT-S/16).
    "f32": 0.03,
    "bf16": 0.09,
}
"""Wrong arithmetic is outside: see the broken parts in `tests/workloads/test_vision.py`."""

LOSS_TOLERANCES = {
    # 1e-5 on CPU, over four steps. TF32 must stay below what bf16 costs: 1.3e-3 (ResNet-50).
    "f32": 4e-3,
    "bf16": 6e-3,
}
"""In units of the losses' rms. A learning rate that is wrong by a fifth is outside."""

OPTIMISER_FLOPS = {ResNetSize: 4, VitSize: 16}
"""For each weight. SGD with momentum: m = 0.9 m + g; w -= rate m. AdamW (Loshchilov and Hutter
2019): two moments (3 and 4), their bias corrections (2), root, add, divide (3), decay (2),
rate and update (2)."""

MOMENTS = {ResNetSize: 1, VitSize: 2}
"""Arrays that the optimiser keeps for each weight."""

CROSS_ENTROPY_FLOPS = 5
"""For each logit: maximum, subtract, exp, sum; the few for each image are left out. Its gradient
(softmax minus one at the label) is 2 more, within the backward pass's factor."""

F32_BYTES = 4


def products(size: ResNetSize | VitSize) -> int:
    """Multiply-adds of one image's forward pass.

    ResNet: the kernels at every output, taps on padding left out (with them ResNet-50 has the
    published 4.1e9). ViT: 2 T^2 D a layer for scores and mixing, and a token's matrices.
    """
    if isinstance(size, ResNetSize):
        convolutions = sum(convolution.products for convolution in size.convolutions())
        return convolutions + size.features * size.classes
    embedding = size.patches * size.patch_values * size.d_model
    attention = 2 * size.tokens**2 * size.d_model
    layer = size.tokens * size.layer_matrices + attention
    return embedding + size.layers * layer + size.d_model * size.classes


def first_products(size: ResNetSize | VitSize) -> int:
    """Of them, those with the image itself, to which no gradient flows back."""
    if isinstance(size, ResNetSize):
        return size.stem_convolution.products
    return size.patches * size.patch_values * size.d_model


def elementwise_flops(size: ResNetSize | VitSize) -> int:
    """All else of one image's forward pass: biases, norms, nonlinearities, sums."""
    if isinstance(size, ResNetSize):
        return _resnet_elementwise_flops(size)
    return _vit_elementwise_flops(size)


def _resnet_elementwise_flops(size: ResNetSize) -> int:
    """A norm after each convolution; relu after each but a shortcut's; a sum in each block."""
    norm = activation.FLOPS_PER_ELEMENT["layernorm"]
    shortcuts = sum(shortcut.elements for _, shortcut in size.layout() if shortcut)
    normed = sum(convolution.elements for convolution in size.convolutions())
    outputs = [inner[-1] for inner, _ in size.layout()]
    sums = sum(output.elements for output in outputs)
    stem = size.stem_convolution
    pool = taps(stem.outputs_size, 3, 2) ** 2 * stem.outputs if size.pools else 0
    mean = outputs[-1].elements
    return norm * normed + (normed - shortcuts) + sums + pool + mean + size.classes


def _vit_elementwise_flops(size: VitSize) -> int:
    """Positions, norms, biases, scale and softmax of the scores, GELU, residual sums."""
    norm = activation.FLOPS_PER_ELEMENT["layernorm"] * size.d_model
    softmax = (1 + activation.FLOPS_PER_ELEMENT["softmax"]) * size.heads * size.tokens**2
    gelu = activation.FLOPS_PER_ELEMENT["gelu"] * size.ffn
    token = 2 * norm + size.layer_biases + gelu + 2 * size.d_model
    embedding = (size.patches + size.tokens) * size.d_model
    return embedding + size.layers * (size.tokens * token + softmax) + norm + size.classes


def forward_cost(size: ResNetSize | VitSize, *, batch: int, itemsize: int) -> Cost:
    """Logits of a batch of images.

    FLOP: two a product, and the element-wise parts. Bytes: weights and images once, f32 logits.
    """
    flops = batch * (2 * products(size) + elementwise_flops(size))
    traffic = itemsize * (size.parameters + _pixels(size, batch)) + F32_BYTES * batch * size.classes
    return Cost(flops=float(flops), bytes=float(traffic))


def train_step_cost(size: ResNetSize | VitSize, *, batch: int, itemsize: int) -> Cost:
    """Forward, backward and update.

    FLOP: the backward pass has two products for each of the forward (one for the input's
    gradient, one for the weights'), but one where the input is the image; the element-wise
    parts, some per cent of the whole, are taken to be twice the forward's, too. Nothing is
    computed twice. Bytes: f32 weights and moments read and written, images and labels read.
    """
    kind = type(size)
    image = 3 * (2 * products(size) + elementwise_flops(size)) - 2 * first_products(size)
    flops = batch * (image + 3 * CROSS_ENTROPY_FLOPS * size.classes)
    flops += OPTIMISER_FLOPS[kind] * size.parameters
    state = 2 * F32_BYTES * (1 + MOMENTS[kind]) * size.parameters
    traffic = state + itemsize * _pixels(size, batch) + 4 * batch
    return Cost(flops=float(flops), bytes=float(traffic))


def _pixels(size: ResNetSize | VitSize, batch: int) -> int:
    return 3 * size.image**2 * batch


def _activations(size: ResNetSize | VitSize) -> int:
    """Values of one image that the backward pass needs: what goes into and out of each product."""
    if isinstance(size, ResNetSize):
        return 4 * sum(convolution.elements for convolution in size.convolutions())
    token = 12 * size.d_model + 4 * size.ffn
    return size.layers * (size.tokens * token + 3 * size.heads * size.tokens**2)


def _case(
    model: str,
    name: str,
    phase: str,
    dtype: str,
    suites: tuple[str, ...],
    *,
    batch: int,
    distinct: int,
) -> Case:
    size, training = MODELS[model], phase == "train_step"
    itemsize = ITEMSIZE_BYTES[dtype]
    cost = train_step_cost if training else forward_cost
    # Weights and moments, the gradient, and twice in float64 as the reference computes: 12 f32.
    values = 12 * size.parameters + batch * (_activations(size) if training else _widest(size))
    return Case(
        id=f"vision/{name}/{phase}/{dtype}",
        workload="vision",
        phase=phase,
        dtype=dtype,
        cost=cost(size, batch=batch, itemsize=itemsize),
        tolerance=(LOSS_TOLERANCES if training else FORWARD_TOLERANCES)[dtype],
        suites=suites,
        memory_bytes=PROCESS_BYTES + F32_BYTES * values,
        work=Work(unit="image", count=batch),
        parameters={"model": model, "batch": batch, "distinct": distinct, "image": size.image},
    )


def _widest(size: ResNetSize | VitSize) -> int:
    """Values of one image that a forward pass has at a time, twice over."""
    if isinstance(size, ResNetSize):
        return 6 * max(convolution.elements for convolution in size.convolutions())
    return 6 * size.tokens * size.ffn + 4 * size.heads * size.tokens**2


def _trained(
    model: str, name: str, suites: Mapping[str, tuple[str, ...]], *, batch: int, distinct: int
) -> tuple[Case, ...]:
    """Both phases in both dtypes; `suites` of training by dtype, forward is in the f32's."""
    return tuple(
        _case(model, name, phase, dtype, among, batch=batch, distinct=distinct)
        for phase in ("forward", "train_step")
        for dtype in ("f32", "bf16")
        for among in (suites["f32" if phase == "forward" else dtype],)
    )


SHORT = {"f32": STANDARD, "bf16": FULL}
LARGE = {"f32": FULL, "bf16": FULL}

CASES = (
    _case("resnet-tiny", "resnet-tiny", "forward", "f32", QUICK, batch=8, distinct=8),
    _case("resnet-tiny", "resnet-tiny", "train_step", "f32", STANDARD, batch=8, distinct=8),
    _case("vit-tiny", "vit-tiny", "forward", "f32", STANDARD, batch=8, distinct=8),
    _case("vit-tiny", "vit-tiny", "train_step", "f32", STANDARD, batch=8, distinct=8),
    # One image, as two cores need a second for a step of training.
    *_trained("resnet50", "resnet50", SHORT, batch=1, distinct=1),
    *_trained("vit-s16", "vit-s16", SHORT, batch=1, distinct=1),
    *_trained("resnet50", "resnet50-b256", LARGE, batch=256, distinct=2),
    *_trained("vit-b16", "vit-b16-b128", LARGE, batch=128, distinct=2),
)
