"""Sizes of the Transformer: what a name like `nano` stands for. No JAX."""

from dataclasses import asdict, dataclass

from workloads.case import Case


@dataclass(frozen=True, kw_only=True)
class TransformerSize:
    """A decoder-only Transformer with grouped-query attention and a SwiGLU feed-forward.

    The unembedding is a matrix of its own (untied); nothing but the norms is without a matrix.
    """

    vocab: int
    layers: int
    d_model: int
    heads: int
    kv_heads: int
    ffn: int

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.d_model // self.heads

    @property
    def projections(self) -> int:
        """Weights of all matrices that every token is multiplied with, the unembedding too."""
        attention = 2 * self.d_model * self.head_dim * (self.heads + self.kv_heads)
        feed_forward = 3 * self.d_model * self.ffn
        return self.layers * (attention + feed_forward) + self.d_model * self.vocab

    @property
    def norm_scales(self) -> int:
        """Weights of all RMSNorms: two a layer and one before the unembedding."""
        return (2 * self.layers + 1) * self.d_model

    @property
    def parameters(self) -> int:
        """All weights, the embedding table included."""
        return self.vocab * self.d_model + self.projections + self.norm_scales

    def as_parameters(self) -> dict[str, int]:
        """The size as a case's flat parameters; `of` is its inverse."""
        return asdict(self)

    @classmethod
    def of(cls, case: Case) -> "TransformerSize":
        """The size that `case` names in its parameters."""
        return cls(
            vocab=case.integer("vocab"),
            layers=case.integer("layers"),
            d_model=case.integer("d_model"),
            heads=case.integer("heads"),
            kv_heads=case.integer("kv_heads"),
            ffn=case.integer("ffn"),
        )


NANO = TransformerSize(vocab=1024, layers=4, d_model=128, heads=4, kv_heads=2, ffn=352)
"""About 1.0 M parameters: small enough for one CPU core, all parts of a large model present."""

SMALL = TransformerSize(vocab=32_000, layers=12, d_model=768, heads=12, kv_heads=4, ffn=2048)
"""124.7 M parameters: GPT-2 small's depth and width (Radford et al. 2019), Llama's vocabulary."""

MINI = TransformerSize(vocab=8192, layers=6, d_model=384, heads=6, kv_heads=2, ffn=1024)
"""16 M parameters: between the two before it, to hold predictions against."""

B1 = TransformerSize(vocab=32_000, layers=22, d_model=2048, heads=32, kv_heads=4, ffn=5632)
"""1.1 G parameters: TinyLlama's shape (Zhang et al. 2024)."""

B7 = TransformerSize(vocab=32_000, layers=32, d_model=4096, heads=32, kv_heads=8, ffn=14_336)
"""7.2 G parameters: Mistral 7B's shape (Jiang et al. 2023)."""

SIZES = {"nano": NANO, "mini": MINI, "small": SMALL, "1b": B1, "7b": B7}
"""By the names that cases have."""
