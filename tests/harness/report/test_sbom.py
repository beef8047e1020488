"""An image's bill of materials, held to CycloneDX's own strict schema."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from harness.contents import Contents, Distribution
from harness.errors import UsageError
from harness.report.sbom import sbom

CONTENTS = Contents(
    digest="sha256:" + "a" * 64,
    tag="jaxrig/cpu:1234",
    first_seen_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    dockerfile_sha256="b" * 64,
    requirements_sha256="c" * 64,
    packages={"ml_dtypes": "0.5.4", "jax": "0.9.0"},
    distribution=Distribution(name="debian", release="13", packages={"libc6:amd64": "2.41-12"}),
    python="3.13.5",
    platform="cpu",
)


def valid(contents: Contents) -> Any:
    """The bill, read."""
    text = sbom(contents, "1.2")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    return json.loads(text)


def by_name(bill: Any) -> Mapping[str, Any]:
    return {each["name"]: each for each in bill["components"]}


def test_the_image_is_what_it_is_about() -> None:
    image = valid(CONTENTS)["metadata"]["component"]
    assert (image["type"], image["name"], image["version"]) == (
        "container",
        "jaxrig/cpu",
        CONTENTS.digest,
    )
    assert image["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    assert PackageURL.from_string(image["purl"]).version == CONTENTS.digest
    assert {each["name"]: each["value"] for each in image["properties"]} == {
        "jaxrig:tag": "jaxrig/cpu:1234",
        "jaxrig:platform": "cpu",
        "jaxrig:dockerfile-sha256": "b" * 64,
        "jaxrig:requirements-sha256": "c" * 64,
    }


@pytest.mark.parametrize("tag", [CONTENTS.digest, "sha256:aaaa", "aaaa"])
def test_an_image_without_a_tag_has_no_name_of_its_own(tag: str) -> None:
    assert valid(replace(CONTENTS, tag=tag))["metadata"]["component"]["name"] == "image"


def test_every_package_and_python_are_in_it() -> None:
    found = by_name(valid(CONTENTS))
    assert found.keys() == {"ml_dtypes", "jax", "python", "debian", "libc6:amd64"}
    assert (found["jax"]["version"], found["jax"]["purl"]) == ("0.9.0", "pkg:pypi/jax@0.9.0")
    assert found["ml_dtypes"]["purl"] == "pkg:pypi/ml-dtypes@0.5.4"  # as an index names it
    assert (found["python"]["type"], found["python"]["version"]) == ("platform", "3.13.5")


def test_the_distribution_s_packages_are_in_it() -> None:
    found = by_name(valid(CONTENTS))
    assert (found["debian"]["type"], found["debian"]["version"]) == ("operating-system", "13")
    assert found["libc6:amd64"]["version"] == "2.41-12"
    purl = PackageURL.from_string(found["libc6:amd64"]["purl"])
    assert (purl.type, purl.namespace, purl.name) == ("deb", "debian", "libc6")
    assert purl.qualifiers == {"arch": "amd64", "distro": "debian-13"}
    rolling = Distribution(name="debian", release=None, packages={"libc6:amd64": "3"})
    bill = valid(replace(CONTENTS, distribution=rolling))
    assert by_name(bill)["libc6:amd64"]["purl"].endswith("distro=debian")


def test_it_is_the_same_whenever_it_is_asked_for() -> None:
    turned = replace(CONTENTS, packages={"jax": "0.9.0", "ml_dtypes": "0.5.4"})
    assert sbom(CONTENTS, "1") == sbom(turned, "1")
    bill = valid(CONTENTS)
    assert [each["version"] for each in bill["metadata"]["tools"]["components"]] == ["1.2"]
    assert bill["metadata"]["timestamp"] == "2026-01-02T03:04:05+00:00"
    other = valid(replace(CONTENTS, digest="sha256:" + "d" * 64))
    assert other["serialNumber"] != bill["serialNumber"]


def test_what_is_not_known_is_left_out() -> None:
    bare = replace(
        CONTENTS,
        dockerfile_sha256=None,
        requirements_sha256=None,
        distribution=None,
        python=None,
        platform=None,
    )
    bill = valid(bare)
    assert [each["name"] for each in bill["metadata"]["component"]["properties"]] == ["jaxrig:tag"]
    assert by_name(bill).keys() == {"ml_dtypes", "jax"}


def test_an_image_of_which_nothing_is_known_has_none() -> None:
    with pytest.raises(UsageError, match="jaxrig run"):
        sbom(replace(CONTENTS, packages=None), "1")
    assert valid(replace(CONTENTS, packages={}))  # it was looked at, and has none


def test_what_an_image_made_up_cannot_spoil_it() -> None:
    strange = {"": "1", "/": "", "a\x00/b\n": "é" * 4096, "Jax": "0.9.0", "jax": "0.9.0", "..": "?"}
    system = Distribution(name="python", release="é" * 4096, packages={**strange, "jax:": "1"})
    told = replace(CONTENTS, packages=strange, distribution=system, python="é" * 4096)
    bill = valid(replace(told, digest="sha256:none", tag="untagged"))
    assert by_name(bill).keys() == strange.keys() | {"python", "jax:"}
    assert len(bill["components"]) == 2 * len(strange) + 3
    assert "hashes" not in bill["metadata"]["component"]
    assert "purl" not in by_name(bill)["/"]
