"""Targets that take over the keys of others."""

import pytest

from harness.extends import WrongParent, resolved

BUILT_IN = {"cpu": {"platform": "cpu", "pids": 1}}


def test_what_extends_nothing_stays_as_it_is() -> None:
    assert resolved({"mine": {"pids": 2}}, BUILT_IN) == {"mine": {"pids": 2}}


def test_keys_come_from_parents_and_theirs_the_nearest_first() -> None:
    own = {
        "child": {"extends": "parent", "tmp": 3},
        "parent": {"extends": "cpu", "pids": 2, "tmp": 2},
    }
    assert resolved(own, BUILT_IN) == {
        "child": {"platform": "cpu", "pids": 2, "tmp": 3},
        "parent": {"platform": "cpu", "pids": 2, "tmp": 2},
    }


def test_a_table_takes_the_place_of_the_inherited_one() -> None:
    own = {"child": {"extends": "parent", "env": {"B": "2"}}, "parent": {"env": {"A": "1"}}}
    assert resolved(own, {})["child"] == {"env": {"B": "2"}}


def test_an_image_takes_the_place_of_what_builds_one_and_the_other_way_round() -> None:
    stack = {"platform": "cpu", "dockerfile": "d", "requirements": "r", "jax": "0.9.2", "base": "b"}
    own = {
        "given": {"extends": "cpu", "image": "i"},
        "built": {"extends": "given", "dockerfile": "e"},
    }
    found = resolved(own, {"cpu": stack})
    assert found["given"] == {"platform": "cpu", "image": "i"}
    assert found["built"] == {"platform": "cpu", "dockerfile": "e"}


def test_an_own_target_goes_before_a_built_in_one_of_its_name() -> None:
    own = {"child": {"extends": "cpu"}, "cpu": {"pids": 7}}
    assert resolved(own, BUILT_IN)["child"] == {"pids": 7}


def test_its_own_name_means_the_built_in_one() -> None:
    own = {"cpu": {"extends": "cpu", "pids": 7}, "child": {"extends": "cpu"}}
    found = resolved(own, BUILT_IN)
    assert found["cpu"] == found["child"] == {"platform": "cpu", "pids": 7}


@pytest.mark.parametrize(
    ("own", "target", "reason"),
    [
        ({"a": {"extends": "b"}}, "a", "unknown target 'b'; known are: cpu"),
        ({"a": {"extends": "a"}}, "a", "a target cannot extend itself: a → a"),
        (
            {"a": {"extends": "b"}, "b": {"extends": "c"}, "c": {"extends": "b"}},
            "c",
            "a target cannot extend itself: b → c → b",
        ),
        ({"a": {"extends": 3}}, "a", 'must name a target, as in "cpu"'),
    ],
)
def test_a_wrong_parent_is_named_with_its_key(
    own: dict[str, dict[str, object]], target: str, reason: str
) -> None:
    with pytest.raises(WrongParent) as refused:
        resolved(own, BUILT_IN)
    assert refused.value.keys == ["targets", target, "extends"]
    assert str(refused.value) == reason
