"""What names a side, and what does not."""

from pathlib import Path

import pytest

from harness.config import Settings
from harness.errors import UsageError
from harness.git import commit_of
from harness.sides import Side, at_commit, parse_side
from harness.target import BUILT_IN_TARGETS

DIGEST = "sha256:" + "0f" * 32


@pytest.mark.parametrize(
    ("text", "target", "revision", "image"),
    [
        ("cpu", "cpu", None, None),
        ("cpu@main", "cpu", "main", None),
        ("cpu@HEAD~3", "cpu", "HEAD~3", None),
        ("cpu@user@host", "cpu", "user@host", None),
        (DIGEST, None, None, DIGEST),
        (f"cpu@{DIGEST}", "cpu", None, DIGEST),
        ("cpu@jax", "cpu", "jax", None),
        ("sha256:0123456789ab", None, None, "sha256:0123456789ab"),
    ],
)
def test_a_side_is_a_target_a_revision_or_an_image(
    text: str, target: str | None, revision: str | None, image: str | None
) -> None:
    assert parse_side(text) == Side(text=text, target=target, revision=revision, image=image)


def test_a_side_may_be_a_target_with_a_version_of_jax() -> None:
    text = "cpu@jax==0.9.0.1"
    assert parse_side(text) == Side(text=text, target="cpu", jax="0.9.0.1")


@pytest.mark.parametrize(
    "text",
    [
        *("", "@main", "cpu@", "cpu@--output=x", "cpu@sha256:xyz", "cpu@sha256:0123"),
        *("cpu@jax==", "cpu@jax==main", "cpu@jax==0.9.*", "cpu@jax==0.9.0 "),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_side(text)


def test_a_revision_is_one_of_the_target_s_project() -> None:
    repository = Path(__file__).parents[2]
    target = BUILT_IN_TARGETS["cpu"].model_copy(update={"project": repository})
    settings = Settings(targets={"cpu": target})
    commit = at_commit(parse_side("cpu@HEAD"), settings).revision
    assert commit == commit_of("HEAD", repository)
    assert len(commit) == 40
    assert at_commit(parse_side("cpu"), settings).revision is None
    with pytest.raises(UsageError, match="knows no revision 'no-such-branch'"):
        at_commit(parse_side("cpu@no-such-branch"), settings)
    with pytest.raises(UsageError, match="names no project"):
        at_commit(parse_side("cpu@HEAD"), Settings(targets=BUILT_IN_TARGETS))
