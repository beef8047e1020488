import jax

from tests.workloads.conftest import Small
from workloads.catalog.transformer_sizes import NANO, TransformerSize
from workloads.problem import generator
from workloads.transformer.inputs import draw


def test_nano_has_a_million_parameters() -> None:
    assert NANO.parameters == 1_000_576


def test_parameter_count_is_that_of_the_arrays(small: Small) -> None:
    case = small("transformer", kv_heads=1)
    size = TransformerSize.of(case)
    arrays = jax.tree.leaves(draw(size, "f32", generator(case)))
    assert size.parameters == sum(array.size for array in arrays)


def test_size_survives_a_case_s_parameters(small: Small) -> None:
    assert TransformerSize.of(small("transformer", **NANO.as_parameters())) == NANO
