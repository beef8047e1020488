"""`jaxrig images`: what `sbom` prints, and exit codes."""

import json
from pathlib import Path

import pytest

from harness.store.writer import Store
from tests.harness.called import Jaxrig
from tests.harness.history import IMAGE, add_run, begin_run
from tests.harness.samples import A

DIGEST, _ = IMAGE


@pytest.fixture
def run(store: Store) -> str:
    """Of the folder's results.db."""
    return add_run(store, {A: [1.0]})


def test_it_is_printed_or_goes_into_a_file(jaxrig: Jaxrig, run: str, tmp_path: Path) -> None:
    printed = jaxrig("images", "sbom", DIGEST[:16])
    assert (printed.code, printed.err) == (0, "")
    assert json.loads(printed.out)["metadata"]["component"]["version"] == DIGEST
    put = jaxrig("images", "sbom", DIGEST, "--out", "bill.json")
    assert (put.code, put.out, put.err) == (0, "", "")
    assert (tmp_path / "bill.json").read_text(encoding="utf-8") == printed.out


def test_an_unknown_image_ends_with_2(jaxrig: Jaxrig, run: str) -> None:
    done = jaxrig("images", "sbom", "sha256:0123")
    assert (done.code, done.out) == (2, "")
    assert "jaxrig runs" in done.err


def test_an_image_that_told_nothing_ends_with_2(jaxrig: Jaxrig, store: Store) -> None:
    begin_run(store)
    done = jaxrig("images", "sbom", DIGEST)
    assert (done.code, done.out) == (2, "")
    assert "jaxrig run" in done.err


def test_no_database_ends_with_6(jaxrig: Jaxrig) -> None:
    assert jaxrig("images", "sbom", DIGEST).code == 6


@pytest.mark.parametrize("digest", ["", "sha256:", "jaxrig/cpu:1"])
def test_what_is_no_digest_lets_no_image_in(jaxrig: Jaxrig, digest: str) -> None:
    done = jaxrig("images", "import", "image.tar", "--digest", digest)
    assert (done.code, "is no digest" in done.err) == (2, True)
