"""An image of a year ago comes back from a file as the same image, or not at all."""

import io
import json
import tarfile
from pathlib import Path

import docker
import pytest

from containers.errors import ImageUnavailable
from containers.images import Image
from containers.pruning import keep
from containers.saved import held, load, save
from tests.command import Jaxrig
from tests.containers.workshop import Workshop


@pytest.fixture
def built(workshop: Workshop) -> Image:
    return workshop.ensure()


@pytest.fixture
def file(engine: docker.DockerClient, built: Image, tmp_path: Path) -> Path:
    """Not beside the workshop's workloads, which a command that is called there would import."""
    folder = tmp_path / "files"
    folder.mkdir()
    file = folder / "image.tar"
    assert save(engine, built.tag, file) == built.digest
    return file


def test_what_was_built_is_listed_with_its_target(
    engine: docker.DockerClient, workshop: Workshop, built: Image
) -> None:
    found = {each.tag: each for each in held(engine)}
    assert found[built.tag].digest == built.digest
    assert found[built.tag].target == workshop.recipe.name
    assert found[built.tag].size_bytes > 1 << 20
    moments = [each.created_at for each in held(engine)]
    assert moments == sorted(moments, reverse=True)


def test_an_image_that_goes_while_they_are_listed_is_left_out(
    engine: docker.DockerClient, built: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = engine.api.images
    gone = {"Id": "sha256:" + "0" * 64}
    monkeypatch.setattr(engine.api, "images", lambda **words: [gone, *listed(**words)])
    assert built.digest in [each.digest for each in held(engine)]


def test_an_image_that_was_removed_comes_back_as_it_was(
    workshop: Workshop, built: Image, file: Path
) -> None:
    jaxrig = Jaxrig(folder=file.parent)
    workshop.clean()
    listed = jaxrig.json("images", "list")
    assert built.digest not in [each["image"] for each in listed]
    done = jaxrig("images", "import", str(file), "--digest", built.digest.removeprefix("sha256:"))
    assert done.code == 0, done.err
    assert f"{built.digest} is back" in done.err
    assert {each["image"]: each["tag"] for each in jaxrig.json("images", "list")}[
        built.digest
    ] == built.tag
    assert workshop.output(built, "import workloads; print(workloads.VALUE)") == "1\n"


def test_an_anchor_comes_back_under_the_tag_that_it_was_built_with(
    engine: docker.DockerClient, workshop: Workshop, built: Image, file: Path
) -> None:
    keep(engine, built)
    again = file.with_name("anchor.tar")
    assert save(engine, built.digest, again) == built.digest
    workshop.clean()
    assert load(engine, again, built.digest) == built.digest
    (found,) = (each for each in held(engine) if each.digest == built.digest)
    assert found.tags == (built.tag,)


def test_another_image_than_the_one_wanted_is_refused_unloaded(
    engine: docker.DockerClient, workshop: Workshop, built: Image, file: Path
) -> None:
    workshop.clean()
    with pytest.raises(ImageUnavailable, match=f"{built.digest}.*, and not ffff"):
        load(engine, file, "ffff")
    changed = _changed(file)
    with pytest.raises(ImageUnavailable, match=f"and not {built.digest}"):
        load(engine, changed, built.digest)
    assert built.digest not in [each.digest for each in held(engine)]


def _changed(file: Path) -> Path:
    """The file with a configuration that says something else, under its old name."""
    changed = file.with_name("changed.tar")
    with tarfile.open(file) as before, tarfile.open(changed, "w") as after:
        (entry,) = json.loads(before.extractfile("manifest.json").read())  # type: ignore[union-attr]
        for member in before:
            if not member.isreg():  # a folder, or another name of a layer
                after.addfile(member)
                continue
            text = before.extractfile(member).read()  # type: ignore[union-attr]
            if member.name == entry["Config"]:
                text = text.replace(b"65534", b"00000")
            member.size = len(text)
            after.addfile(member, io.BytesIO(text))
    return changed


@pytest.mark.parametrize(
    ("tags", "labels"),
    [(["python:3.13-slim"], {"jaxrig.target": "x"}), (["jaxrig/x:1"], {}), (["jaxrig/x:1"], None)],
)
def test_what_would_take_another_s_place_is_refused(
    engine: docker.DockerClient, tmp_path: Path, tags: list[str], labels: object
) -> None:
    file = tmp_path / "other.tar"
    parts = {
        "manifest.json": json.dumps([{"Config": "c", "RepoTags": tags, "Layers": []}]),
        "c": json.dumps({"config": {"Labels": labels}}),
    }
    with tarfile.open(file, "w") as tar:
        for name, text in parts.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    with pytest.raises(ImageUnavailable, match="jaxrig did not build"):
        load(engine, file, None)


def test_what_is_no_saved_image_is_said(
    engine: docker.DockerClient, built: Image, file: Path, tmp_path: Path
) -> None:
    (tmp_path / "text").write_text("no archive")
    with pytest.raises(ImageUnavailable, match="is no saved image"):
        load(engine, tmp_path / "text", None)
    with pytest.raises(ImageUnavailable, match="exists; name another"):
        save(engine, built.digest, file)
    jaxrig = Jaxrig(folder=file.parent)
    missing = jaxrig("images", "import", "nowhere.tar")
    assert missing.code == 5
    assert "nowhere.tar" in missing.err
    unknown = jaxrig("images", "export", "sha256:" + "0" * 64, "new.tar")
    assert unknown.code == 5
    assert "holds no image" in unknown.err
    assert not (file.parent / "new.tar").exists()
