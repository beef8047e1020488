"""An image's software bill of materials, in CycloneDX's JSON (ECMA-424).

It is made of what is kept of the image and of nothing else: asked for again, it is the same text.
"""

import re
from collections.abc import Iterator, Mapping
from uuid import UUID, uuid5

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.lifecycle import LifecyclePhase, PredefinedLifecycle
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from harness.contents import Contents, Distribution
from harness.errors import UsageError

_SERIAL_NUMBERS = UUID("0c6a4f0e-6d0b-5b7e-9f63-2d1a7f0e8c55")
"""The namespace in which an image's digest becomes its bill's serial number."""

_SHA256 = re.compile("sha256:([0-9a-f]{64})")

_LONGEST_VERSION = 1024
"""Characters that CycloneDX lets a version have."""


def sbom(contents: Contents, jaxrig_version: str) -> str:
    """`jaxrig_version`: of what makes the bill.

    Raises `UsageError` where nothing is known of the image but its name: a bill without materials
    would say that there are none.
    """
    if contents.packages is None:
        raise UsageError(
            f"no launch on {contents.digest} has told what is in it; "
            "measure any case on it (`jaxrig run`), then ask again"
        )
    image = _image(contents)
    bom = Bom(
        serial_number=uuid5(_SERIAL_NUMBERS, contents.digest),
        metadata=_metadata(contents, image, jaxrig_version),
        components=_parts(contents),
    )
    bom.register_dependency(image, bom.components)
    text: str = JsonV1Dot6(bom).output_as_string(indent=2)
    return f"{text}\n"


def _metadata(contents: Contents, image: Component, jaxrig_version: str) -> BomMetaData:
    made_by = Component(type=ComponentType.APPLICATION, name="jaxrig", version=jaxrig_version)
    return BomMetaData(
        timestamp=contents.first_seen_at,
        tools=ToolRepository(components=[made_by]),
        lifecycles=[PredefinedLifecycle(LifecyclePhase.POST_BUILD)],
        component=image,
    )


def _image(contents: Contents) -> Component:
    name = _name(contents.tag)
    matched = _SHA256.fullmatch(contents.digest)
    return Component(
        type=ComponentType.CONTAINER,
        name=name,
        version=contents.digest,
        bom_ref="image",
        purl=_purl("docker", name, contents.digest),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=matched[1])] if matched else [],
        properties=list(_properties(contents)),
    )


def _name(tag: str) -> str:
    """Of an image; one without a tag is known by its digest, or how that begins."""
    repository, _, _ = tag.rpartition(":")
    return "image" if repository in ("", "sha256") else repository


def _properties(contents: Contents) -> Iterator[Property]:
    named = {
        "tag": contents.tag,
        "platform": contents.platform,
        "dockerfile-sha256": contents.dockerfile_sha256,
        "requirements-sha256": contents.requirements_sha256,
    }
    for name, value in named.items():
        if value is not None:
            yield Property(name=f"jaxrig:{name}", value=value)


def _parts(contents: Contents) -> list[Component]:
    found = [*_runtime(contents), *_python_packages(contents.packages or {})]
    return found if contents.distribution is None else [*found, *_system(contents.distribution)]


def _runtime(contents: Contents) -> Iterator[Component]:
    if contents.python is not None:
        purl = _purl("generic", "python", contents.python)
        yield _part(ComponentType.PLATFORM, "runtime", "python", contents.python, purl)


def _python_packages(packages: Mapping[str, str]) -> Iterator[Component]:
    for name, version in packages.items():
        purl = _purl("pypi", name, version)
        yield _part(ComponentType.LIBRARY, "python", name, version, purl)


def _system(found: Distribution) -> Iterator[Component]:
    """The distribution, and its packages."""
    release = found.release or ""
    yield _part(ComponentType.OPERATING_SYSTEM, "distribution", found.name, release, None)
    beneath = f"{found.name}-{release}" if release else found.name
    for known_as, version in found.packages.items():
        name, _, architecture = known_as.partition(":")
        qualifiers = {"arch": architecture, "distro": beneath}
        purl = _purl("deb", f"{found.name}/{name}", version, qualifiers)
        yield _part(ComponentType.LIBRARY, "dpkg", known_as, version, purl)


def _part(
    kind: ComponentType, of: str, name: str, version: str, purl: PackageURL | None
) -> Component:
    """`of`: among whose names this one is the only one; were two parts to have one reference,
    chance would name them anew."""
    return Component(
        type=kind,
        name=name,
        version=version[:_LONGEST_VERSION],
        bom_ref=f"{of}:{name}",
        purl=purl,
    )


def _purl(
    kind: str, name: str, version: str, qualifiers: Mapping[str, str] | None = None
) -> PackageURL | None:
    """None for a name that no package can have; whatever ran in an image can claim any."""
    namespace, _, last = name.rpartition("/")
    try:
        return PackageURL(kind, namespace or None, last, version, dict(qualifiers or {}))
    except ValueError:
        return None
