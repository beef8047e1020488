"""Sizes of the image models: what a name like `resnet50` stands for. No JAX."""

from collections.abc import Iterator
from dataclasses import dataclass

BLOCK_CONVOLUTIONS = {"basic": 2, "bottleneck": 3}
EXPANSION = {"basic": 1, "bottleneck": 4}
"""How much wider than its inner convolutions a block's output is."""


@dataclass(frozen=True, kw_only=True)
class Convolution:
    """A square kernel over a square input, zero-padded by half of the kernel on every side.

    `size`: rows (and columns) of the input; `kernel`, `stride`: of each side.
    """

    size: int
    kernel: int
    stride: int
    inputs: int
    outputs: int

    @property
    def outputs_size(self) -> int:
        """Rows of the output."""
        return (self.size - 1) // self.stride + 1

    @property
    def weights(self) -> int:
        """Of the kernel; a bias it has none."""
        return self.kernel**2 * self.inputs * self.outputs

    @property
    def products(self) -> int:
        """Multiply-adds of one image that do not multiply with padding."""
        return taps(self.size, self.kernel, self.stride) ** 2 * self.inputs * self.outputs

    @property
    def elements(self) -> int:
        """Of one image's output."""
        return self.outputs_size**2 * self.outputs


def taps(size: int, kernel: int, stride: int) -> int:
    """Along one side, the pairs of an output and a kernel element that meet the input, not padding.

    Usual counts (3.8e9 multiply-adds in He et al. 2015 for ResNet-50) include the padding.
    """
    starts = range(-(kernel // 2), size - kernel // 2, stride)
    return sum(min(start + kernel, size) - max(start, 0) for start in starts)


@dataclass(frozen=True, kw_only=True)
class ResNetSize:
    """A residual network (He et al. 2015) with group normalisation (Wu and He 2018).

    `image`: rows and columns. `stem`: the first kernel's; 7 strides by 2 and is followed by a
    3x3 maximum that strides by 2 (ImageNet), 3 does neither (CIFAR). `blocks`, `widths`: of each
    stage; every stage but the first halves the image in its first block, at the 3x3 kernel.
    `rate`: of SGD, so low that a few images trained on over and over do not overshoot.
    """

    image: int
    classes: int
    stem: int
    kind: str
    blocks: tuple[int, ...]
    widths: tuple[int, ...]
    groups: int
    rate: float

    @property
    def stem_convolution(self) -> Convolution:
        """The first one, from three colours."""
        stride = 2 if self.stem == 7 else 1
        return Convolution(
            size=self.image, kernel=self.stem, stride=stride, inputs=3, outputs=self.widths[0]
        )

    @property
    def pools(self) -> bool:
        """Whether a 3x3 maximum with stride 2 follows the stem."""
        return self.stem == 7

    @property
    def features(self) -> int:
        """Of an image, before the classifier."""
        return self.widths[-1] * EXPANSION[self.kind]

    def layout(self) -> Iterator[tuple[tuple[Convolution, ...], Convolution | None]]:
        """Each block's convolutions, and the one in its shortcut where the shape changes."""
        size, inputs = self.stem_convolution.outputs_size, self.widths[0]
        size = (size - 1) // 2 + 1 if self.pools else size
        for stage, (count, width) in enumerate(zip(self.blocks, self.widths, strict=True)):
            for place in range(count):
                stride = 2 if stage > 0 and place == 0 else 1
                yield self._block(size, inputs, width, stride)
                size, inputs = (size - 1) // stride + 1, width * EXPANSION[self.kind]

    def _block(
        self, size: int, inputs: int, width: int, stride: int
    ) -> tuple[tuple[Convolution, ...], Convolution | None]:
        outputs = width * EXPANSION[self.kind]
        plan = {
            "basic": ((3, stride, width), (3, 1, width)),
            "bottleneck": ((1, 1, width), (3, stride, width), (1, 1, outputs)),
        }[self.kind]
        found, rows, channels = [], size, inputs
        for kernel, step, after in plan:
            found.append(
                Convolution(size=rows, kernel=kernel, stride=step, inputs=channels, outputs=after)
            )
            rows, channels = found[-1].outputs_size, after
        changes = stride != 1 or inputs != outputs
        shortcut = Convolution(size=size, kernel=1, stride=stride, inputs=inputs, outputs=outputs)
        return tuple(found), shortcut if changes else None

    def convolutions(self) -> tuple[Convolution, ...]:
        """All of them, the stem first."""
        blocks = [
            convolution
            for inner, shortcut in self.layout()
            for convolution in (*inner, *((shortcut,) if shortcut else ()))
        ]
        return (self.stem_convolution, *blocks)

    @property
    def parameters(self) -> int:
        """Kernels, each followed by a scale and a bias a channel; the classifier."""
        kernels = sum(c.weights + 2 * c.outputs for c in self.convolutions())
        return kernels + (self.features + 1) * self.classes


@dataclass(frozen=True, kw_only=True)
class VitSize:
    """A Vision Transformer (Dosovitskiy et al. 2021), classified by a token of its own.

    `image`, `patch`: rows and columns. Every projection has a bias. `rate`: of AdamW.
    """

    image: int
    classes: int
    patch: int
    layers: int
    d_model: int
    heads: int
    ffn: int
    rate: float

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.d_model // self.heads

    @property
    def patches(self) -> int:
        """Of an image."""
        return (self.image // self.patch) ** 2

    @property
    def tokens(self) -> int:
        """Patches and the class token."""
        return self.patches + 1

    @property
    def patch_values(self) -> int:
        """Of one patch, in three colours."""
        return 3 * self.patch**2

    @property
    def layer_matrices(self) -> int:
        """Weights of one layer's matrices: query, key, value, output; up and down."""
        return 4 * self.d_model**2 + 2 * self.d_model * self.ffn

    @property
    def layer_biases(self) -> int:
        """One for each output of those matrices."""
        return 5 * self.d_model + self.ffn

    @property
    def parameters(self) -> int:
        """All weights; a norm has a scale and a bias."""
        d = self.d_model
        layer = self.layer_matrices + self.layer_biases + 2 * 2 * d
        embedding = (self.patch_values + 1) * d + d + self.tokens * d
        return embedding + self.layers * layer + 2 * d + (d + 1) * self.classes


MODELS: dict[str, ResNetSize | VitSize] = {
    # ResNet-8 of the CIFAR family of He et al. (6n + 2 layers, n = 1): compiles in a second.
    "resnet-tiny": ResNetSize(
        image=32,
        classes=10,
        stem=3,
        kind="basic",
        blocks=(1, 1, 1),
        widths=(16, 32, 64),
        groups=8,
        rate=0.01,
    ),
    "resnet50": ResNetSize(
        image=224,
        classes=1000,
        stem=7,
        kind="bottleneck",
        blocks=(3, 4, 6, 3),
        widths=(64, 128, 256, 512),
        groups=32,
        rate=2e-4,
    ),
    "vit-tiny": VitSize(
        image=32, classes=10, patch=8, layers=2, d_model=64, heads=4, ffn=128, rate=3e-4
    ),
    "vit-s16": VitSize(
        image=224, classes=1000, patch=16, layers=12, d_model=384, heads=6, ffn=1536, rate=3e-5
    ),
    "vit-b16": VitSize(
        image=224, classes=1000, patch=16, layers=12, d_model=768, heads=12, ffn=3072, rate=1e-5
    ),
}
