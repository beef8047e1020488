"""The operations of a case do what the case's cost says, and no more."""

import pytest

from workloads.case import Case
from workloads.catalog import CASES, find
from workloads.catalog.decomposed import decomposed, whole

MOVES = ("dispatch", "link", "storage", "collective")
"""Workloads that are not made of operations."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_flops_add_up(case: Case) -> None:
    operations = decomposed(case)
    works = case.phase == "train_step" or case.parameters.get("kind") in ("handed", "woken")
    only_moves = case.workload in MOVES and not works
    assert bool(operations) == (not only_moves and "/allocate/" not in case.id)
    if operations:
        added = sum(each.all_flops for each in operations)
        assert added == pytest.approx(case.cost.flops, rel=1e-9)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_operations_move_no_less_than_the_case_must(case: Case) -> None:
    """Inputs and outputs of the whole are those of some operation."""
    operations = decomposed(case)
    if operations:
        assert sum(each.all_bytes for each in operations) >= 0.8 * case.cost.bytes


def test_a_model_has_its_parts() -> None:
    parts = {each.part for each in decomposed(find("transformer/nano/train_step/f32"))}
    assert parts == {
        "embedding",
        "norms",
        "projections",
        "attention",
        "mlp",
        "unembedding",
        "loss",
        "optimiser",
    }


def test_training_has_its_stages() -> None:
    stages = [each.stage for each in decomposed(find("vision/resnet-tiny/train_step/f32"))]
    assert set(stages) == {"forward", "backward", "optimiser"}


def test_gradients_of_convolutions_are_told_apart() -> None:
    operations = decomposed(find("vision/resnet-tiny/train_step/f32"))
    found = [each.variant for each in operations if each.kind == "convolution"]
    # The first convolution's input is the image.
    assert found.count("weight-gradient") == found.count("forward")
    assert found.count("input-gradient") == found.count("forward") - 1


def test_a_chain_repeats_its_product() -> None:
    (operation,) = decomposed(find("matmul/16x256x256-chained/f32"))
    assert operation.shape == (1, 16, 256, 256)
    assert operation.times == find("matmul/16x256x256-chained/f32").parameters["passes"]


def test_a_call_of_unknown_make_has_its_cost() -> None:
    operation = whole(flops=8.0, bytes_=4.0, dtype="f32")
    assert (operation.all_flops, operation.all_bytes) == (8.0, 4.0)


def test_gradients_of_products_are_told_apart() -> None:
    operations = decomposed(find("transformer/nano/backward/bf16"))
    by_weight = {each.name: each for each in operations if each.variant == "weight-gradient"}
    assert by_weight["gate (weight gradient)"].axes == 2
    assert by_weight["unembedding (weight gradient)"].axes == 2
    assert by_weight["query (weight gradient)"].axes == 1  # its weight has an axis of heads
    mixing = [each for each in operations if each.name.startswith(("scores (", "values ("))]
    assert {each.variant for each in mixing if each.kind == "product"} == {"forward"}


def test_what_gradients_need_in_another_order_is_transposed_and_a_table_cleared() -> None:
    case = find("transformer/nano/backward/f32")
    backward = [each for each in decomposed(case) if each.stage == "backward"]
    turned = {each.name: each.shape[0] for each in backward if each.kind == "transpose"}
    width, ffn = (case.integer(name) for name in ("d_model", "ffn"))
    tokens = case.integer("batch") * case.integer("context")
    assert turned["gate (weights)"] == width * ffn
    assert turned["gate (outputs)"] == tokens * ffn
    (cleared,) = (each for each in backward if each.name == "lookup (cleared gradient)")
    assert cleared.kept_bytes == 4 * case.integer("vocab") * width
    assert cleared.access == "write"


def test_a_query_s_scores_go_along_the_keys_of_a_cache() -> None:
    scores = {
        phase: next(
            each
            for each in decomposed(find(f"transformer/nano/{phase}/f32"))
            if each.name == "scores"
        )
        for phase in ("decode", "prefill")
    }
    assert scores["decode"].variant == "input-gradient"
    assert scores["prefill"].variant == "forward"
