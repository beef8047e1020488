"""What a database knows of an image's contents."""

import pytest

from harness.contents import Contents, Distribution
from harness.errors import UsageError
from harness.store.reader import Reader
from harness.store.writer import Store
from tests.harness.history import IMAGE, add_run, begin_run
from tests.harness.samples import A

DIGEST, TAG = IMAGE


def contents(url: str, digest: str) -> Contents:
    with Reader(url) as reader:
        return reader.contents(digest)


@pytest.mark.parametrize("named", [DIGEST, DIGEST[:12], DIGEST.removeprefix("sha256:")[:4]])
def test_an_image_is_known_by_its_digest_or_its_beginning(either_url: str, named: str) -> None:
    with Store(either_url) as store:
        add_run(store, {A: [1.0]}, made_of={"dockerfile_sha256": "1" * 64})
        add_run(store, {A: [1.0]}, image=("sha256:b", "another"))
    found = contents(either_url, named)
    assert (found.digest, found.tag, found.dockerfile_sha256) == (DIGEST, TAG, "1" * 64)
    assert (found.packages, found.python, found.platform) == ({"jax": "0.9.0"}, "3.13.5", "cpu")
    assert found.requirements_sha256 is None
    packages = {"libc6:amd64": "2.41-12"}
    assert found.distribution == Distribution(name="debian", release="13", packages=packages)


def test_the_first_launch_that_told_is_believed(either_url: str) -> None:
    with Store(either_url) as store:
        begin_run(store)
        add_run(store, {A: [1.0]}, environment={"python": "3.13.1"})
        add_run(store, {A: [1.0]}, environment={"python": "3.13.2"})
    assert contents(either_url, DIGEST).python == "3.13.1"


def test_an_image_on_which_nothing_came_to_tell_is_known_by_name_alone(either_url: str) -> None:
    with Store(either_url) as store:
        begin_run(store)
    found = contents(either_url, DIGEST)
    assert (found.packages, found.distribution, found.python, found.platform) == (None,) * 4


def test_a_name_of_none_or_of_several_is_refused(either_url: str) -> None:
    with Store(either_url) as store:
        add_run(store, {A: [1.0]})
        add_run(store, {A: [1.0]}, image=("sha256:ab", "another"))
    for unknown in ("sha256:c", "%", "_"):
        with pytest.raises(UsageError, match="no stored images"):
            contents(either_url, unknown)
    with pytest.raises(UsageError, match="several"):
        contents(either_url, "sha256:a")
