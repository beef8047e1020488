"""Images are named by what they hold, and built when that is new; on a real engine."""

import os
import re
import shutil
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from containers.assets import assets
from containers.errors import EngineUnavailable, ImageUnavailable
from containers.images import (
    LOCAL_BASE,
    REGISTRY_BASE,
    Image,
    Images,
    Recipe,
    known_base,
    target_of_image,
)
from containers.own import Own
from containers.project import Project
from tests.checkout import ROOT

DOCKERFILE = """\
ARG BASE
FROM ${BASE}
COPY requirements.txt /requirements.txt
"""


class Workshop:
    """A folder with a recipe and workloads in it, all of them a test's own."""

    def __init__(self, client: docker.DockerClient, folder: Path, base: str) -> None:
        self._client = client
        self.folder = folder
        self.said: list[str] = []
        self.dockerfile = folder / "my.Dockerfile"
        self.requirements = folder / "my.requirements.txt"
        self.requirements.write_text("something==1.0\n")
        self.workloads = folder / "workloads"
        (self.workloads / "deep").mkdir(parents=True)
        (self.workloads / "__init__.py").write_text("VALUE = 1\n")
        (self.workloads / "deep/module.py").write_text("VALUE = 2\n")
        self.recipe = Recipe(
            name=f"test-{uuid.uuid4().hex[:8]}",
            dockerfile=self.dockerfile,
            requirements=self.requirements,
            base=base,
        )
        self.write(DOCKERFILE)

    def write(self, dockerfile: str) -> None:
        """Marks every stage, so that `clean` finds what builds leave behind."""
        marked = re.sub(
            "(?m)^(FROM .*)$", rf"\1\nLABEL jaxrig.target={self.recipe.name}", dockerfile
        )
        self.dockerfile.write_text(marked)

    def ensure(self, recipe: Recipe | None = None) -> Image:
        self.said.clear()
        images = Images(self._client, self.workloads, self.said.append)
        return images.ensure(recipe or self.recipe)

    def output(self, image: Image, program: str) -> str:
        """What a Python program prints in the image."""
        text: bytes = self._client.containers.run(
            image.digest, ["python", "-c", program], network_mode="none", remove=True
        )
        return text.decode()

    def clean(self) -> None:
        for part in ("", "-stack", "-project", "-requirements", "-own"):
            name = f"{self.recipe.name}{part}"
            for image in self._client.images.list(f"jaxrig/{name}"):
                for tag in image.tags:
                    self._client.images.remove(tag, force=True)
        label = f"jaxrig.target={self.recipe.name}"
        self._client.images.prune({"label": label, "dangling": True})


@pytest.fixture
def workshop(engine: docker.DockerClient, tmp_path: Path, image: str) -> Iterator[Workshop]:
    made = Workshop(engine, tmp_path, image)
    yield made
    made.clean()


def test_an_image_holds_the_stack_and_the_workloads(workshop: Workshop) -> None:
    image = workshop.ensure()
    program = (
        "import os, workloads, workloads.deep.module as deep\n"
        "print(workloads.VALUE, deep.VALUE, os.getuid(), open('/requirements.txt').read())"
    )
    assert workshop.output(image, program) == "1 2 65534 something==1.0\n\n"
    assert image.tag.startswith(f"jaxrig/{workshop.recipe.name}:")
    assert image.digest.startswith("sha256:")


def test_an_unchanged_image_is_not_built_again(workshop: Workshop) -> None:
    first = workshop.ensure()
    assert len(workshop.said) == 2
    assert workshop.ensure() == first
    assert workshop.said == []


def test_what_does_not_reach_the_image_does_not_change_its_name(workshop: Workshop) -> None:
    first = workshop.ensure()
    cache = workshop.workloads / "deep/__pycache__"
    cache.mkdir()
    (cache / "module.pyc").write_bytes(b"compiled")
    (workshop.workloads / ".hidden").write_text("an editor's")
    os.utime(workshop.workloads / "__init__.py", (1, 1))
    (workshop.workloads / "__init__.py").chmod(0o600)
    moved = workshop.workloads.rename(workshop.folder / "elsewhere")
    workshop.workloads = moved
    assert workshop.ensure() == first
    assert workshop.said == []


def test_changed_workloads_make_another_image_on_the_same_stack(workshop: Workshop) -> None:
    first = workshop.ensure()
    (workshop.workloads / "deep/module.py").write_text("VALUE = 3\n")
    second = workshop.ensure()
    assert workshop.said == [f"adding the workloads to target {workshop.recipe.name}"]
    assert second.tag != first.tag
    assert second.digest != first.digest
    assert workshop.output(second, "import workloads.deep.module as m; print(m.VALUE)") == "3\n"


@pytest.mark.parametrize("change", ["rename", "remove"])
def test_renaming_or_removing_a_workload_makes_another_image(
    workshop: Workshop, change: str
) -> None:
    first = workshop.ensure()
    module = workshop.workloads / "deep/module.py"
    module.rename(module.with_name("other.py")) if change == "rename" else module.unlink()
    assert workshop.ensure().tag != first.tag


def test_other_ingredients_make_another_stack(
    workshop: Workshop, engine: docker.DockerClient, base: str
) -> None:
    tags = [workshop.ensure().tag]
    workshop.requirements.write_text("something==1.1\n")
    tags.append(workshop.ensure().tag)
    workshop.write(DOCKERFILE + "ENV C=x\n")
    tags.append(workshop.ensure().tag)
    tags.append(workshop.ensure(replace(workshop.recipe, base=base)).tag)
    assert len(set(tags)) == len(tags), tags


@pytest.fixture
def suite(workshop: Workshop) -> Path:
    """The folder of a suite of one's own, which the workshop's recipe then names."""
    folder = workshop.folder / "two words"
    folder.mkdir()
    (folder / "test_a.py").write_text("VALUE = 1\n")
    workshop.recipe = replace(workshop.recipe, own=Own(folder))
    return folder


def test_a_suite_of_one_s_own_is_the_last_layer(workshop: Workshop, suite: Path) -> None:
    plain = workshop.ensure(replace(workshop.recipe, own=None))
    first = workshop.ensure()
    assert workshop.said == [f"adding two words to target {workshop.recipe.name}"]
    assert first.tag.startswith(f"jaxrig/{workshop.recipe.name}-own:")
    read = "import os, workloads; print(open('/opt/own/two words/test_a.py').read(), os.getuid())"
    assert workshop.output(first, read) == "VALUE = 1\n 65534\n"
    (suite / "results.db").touch()
    assert workshop.ensure() == first
    (suite / "test_a.py").write_text("VALUE = 2\n")
    second = workshop.ensure()
    assert workshop.said == [f"adding two words to target {workshop.recipe.name}"]
    assert "VALUE = 2" in workshop.output(second, read)
    assert workshop.ensure(replace(workshop.recipe, own=None)) == plain


# Takes pip's place in the image: it fetches when the CA bundle is there, and installs without.
PIP = """\
import json, os, sys
words = sys.argv[1:]
if "--report" in words:
    assert "A SECRET" in open(os.environ["PIP_CERT"]).read()
    install = {"is_direct": False, "metadata": {"name": "a", "version": "1"}, "download_info": {}}
    with open(words[words.index("--report") + 1], "w") as report:
        json.dump({"install": [install]}, report)
elif words[0] == "wheel":
    assert open("missing.txt").read() == "a==1\\n" and "A SECRET" in open("host-ca.pem").read()
    open("wheels/a-1-py3-none-any.whl", "w").write("a wheel")
elif words[0] == "install":
    assert "--no-index" in words
    open("/installed", "w").write(words[-1])
"""


def test_requirements_are_a_layer_below_and_the_ca_bundle_stays_out(
    workshop: Workshop, suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = workshop.folder / "bundle.pem"
    bundle.write_text("A SECRET OF THIS HOST\n")
    monkeypatch.setenv("PIP_CERT", str(bundle))
    (suite / "requirements.txt").write_text("a\n")
    workshop.requirements.write_text(PIP)
    workshop.write(
        DOCKERFILE.replace("/requirements.txt\n", "/opt/pip/pip.py\n") + "ENV PYTHONPATH=/opt/pip\n"
    )
    image = workshop.ensure()
    name = workshop.recipe.name
    assert workshop.said[1:] == [
        f"installing what two words requires on target {name}",
        f"adding the workloads to target {name}",
        f"adding two words to target {name}",
    ]
    program = """
import os, subprocess
print(open("/installed").read(), os.getuid())
print(subprocess.run(["grep", "-rslF", "SECRET OF " + "THIS HOST", "/", "--exclude-dir=proc",
    "--exclude-dir=sys", "--exclude-dir=dev"], capture_output=True, text=True).stdout)
"""
    assert workshop.output(image, program) == "/build/wheels/a-1-py3-none-any.whl 65534\n\n"
    (suite / "test_a.py").write_text("VALUE = 2\n")
    workshop.ensure()
    assert workshop.said == [f"adding two words to target {name}"]
    (suite / "requirements.txt").write_text("a==1\n")
    workshop.ensure()
    assert workshop.said[0] == f"installing what two words requires on target {name}"


def test_a_project_is_installed_on_the_stack_and_made_anew_only_when_it_changes(
    workshop: Workshop,
) -> None:
    folder = workshop.folder / "project"
    folder.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    (folder / "pyproject.toml").write_text("[project]\n")
    workshop.requirements.write_text(
        """\
import json, sys
words = sys.argv[1:]
if "--report" in words:
    assert open("requirements.txt").read() == "./project\\n"
    assert open("project/pyproject.toml").read() == "[project]\\n"
    with open(words[words.index("--report") + 1], "w") as report:
        json.dump({"install": []}, report)
elif words[0] == "wheel":
    open("wheels/a-1-py3-none-any.whl", "w").write("a wheel")
elif words[0] == "install":
    open("/installed", "w").write(words[-1])
"""
    )
    workshop.write(
        DOCKERFILE.replace("/requirements.txt\n", "/opt/pip/pip.py\n") + "ENV PYTHONPATH=/opt/pip\n"
    )
    recipe = replace(workshop.recipe, project=Project(folder=folder))
    image = workshop.ensure(recipe)
    name = workshop.recipe.name
    assert workshop.said[1:] == [
        f"installing project on target {name}",
        f"adding the workloads to target {name}",
    ]
    assert workshop.output(image, "print(open('/installed').read())").startswith(
        "/build/wheels/a-1"
    )
    assert workshop.ensure(recipe) == image
    assert workshop.said == []
    (folder / "new.py").touch()
    workshop.ensure(recipe)
    # What it installs here is the same again, and so is all that comes on top.
    assert workshop.said == [f"installing project on target {name}"]


def test_an_image_is_found_by_its_digest_and_knows_its_target(
    workshop: Workshop, engine: docker.DockerClient, image: str
) -> None:
    made = workshop.ensure()
    images = Images(engine, workshop.folder, lambda _: None)
    assert images.known(made.digest) == images.known(made.digest[:30]) == made
    assert target_of_image(engine, made.digest) == workshop.recipe.name
    assert target_of_image(engine, image) is None
    with pytest.raises(ImageUnavailable, match="this engine holds no image sha256:0000"):
        images.known("sha256:" + "0" * 64)


BASE_SCRIPT = """\
#!/bin/bash
trap 'rm -f {folder}/unfinished' EXIT
touch {folder}/unfinished
sleep 100 &
echo $! >{folder}/child
wait
"""


def test_an_interrupt_ends_the_making_of_a_base_and_all_that_it_started(
    engine: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "base.sh"
    script.write_text(BASE_SCRIPT.format(folder=tmp_path))
    script.chmod(0o755)
    monkeypatch.setattr("containers.images.assets", lambda: tmp_path)
    monkeypatch.setattr("containers.images.REGISTRY_BASE", "127.0.0.1:1/none:none")

    def interrupt() -> None:
        while not (tmp_path / "child").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    # A process that a shell started in the background ignores SIGINT from its birth.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            Images(engine, tmp_path, lambda _: None).base()
    finally:
        signal.signal(signal.SIGINT, before)
    assert not (tmp_path / "unfinished").exists()
    child = int((tmp_path / "child").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


FAILING = DOCKERFILE + "RUN for i in $(seq 40); do echo line $i; done; false\n"


def test_a_build_that_fails_shows_its_last_20_lines(workshop: Workshop) -> None:
    workshop.write(FAILING)
    with pytest.raises(ImageUnavailable, match="cannot be built") as failed:
        workshop.ensure()
    message = str(failed.value)
    assert f"image of target {workshop.recipe.name}" in message
    assert "the last 20 lines of the build:" in message
    shown = message.partition("of the build:\n")[2].splitlines()
    assert len(shown) == 20
    assert "    line 40" in shown
    assert "    line 1" not in shown


def test_a_build_that_failed_is_tried_again(workshop: Workshop) -> None:
    workshop.write(FAILING)
    for _ in range(2):
        with pytest.raises(ImageUnavailable):
            workshop.ensure()
    workshop.write(DOCKERFILE)
    assert workshop.ensure().digest


def test_a_dockerfile_that_cannot_be_read_as_one_is_told(workshop: Workshop) -> None:
    workshop.write("ARG BASE\nFROM ${BASE}\nFROBNICATE\n")
    with pytest.raises(ImageUnavailable, match="FROBNICATE"):
        workshop.ensure()


def test_an_unknown_base_is_told(workshop: Workshop) -> None:
    # A registry on a closed port of this machine: the answer comes at once, network or not.
    nowhere = replace(workshop.recipe, base="localhost:1/nowhere:none")
    with pytest.raises(ImageUnavailable, match=f"image {nowhere.name}: .*localhost:1"):
        workshop.ensure(nowhere)


def test_the_ca_bundle_serves_the_build_and_stays_out_of_the_image(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = workshop.folder / "bundle.pem"
    bundle.write_text("A SECRET OF THIS HOST\n")
    monkeypatch.setenv("PIP_CERT", str(bundle))
    two_stages = """\
ARG BASE
FROM ${BASE} AS install
COPY host-ca.pem /build/
RUN grep -q "A SECRET OF THIS HOST" /build/host-ca.pem && touch /built
FROM ${BASE}
COPY --from=install /built /built
"""
    workshop.write(two_stages)
    image = workshop.ensure()
    program = """
import os, subprocess
print(os.path.exists("/built"))
print(subprocess.run(["grep", "-rslF", "SECRET OF " + "THIS HOST", "/", "--exclude-dir=proc",
    "--exclude-dir=sys", "--exclude-dir=dev"], capture_output=True, text=True).stdout)
"""
    assert workshop.output(image, program) == "True\n\n"
    monkeypatch.delenv("PIP_CERT")
    assert workshop.ensure() == image  # another host's bundle is no other image


def test_without_a_ca_bundle_the_file_is_there_and_empty(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    workshop.write(DOCKERFILE + "COPY host-ca.pem /host-ca.pem\nRUN test ! -s /host-ca.pem\n")
    assert workshop.ensure().digest


def test_the_proxy_and_the_index_of_this_host_reach_the_build_only(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid:3128")
    monkeypatch.setenv("PIP_INDEX_URL", "http://index.invalid/simple")
    workshop.write(
        DOCKERFILE + "ARG PIP_INDEX_URL\n"
        'RUN test "$HTTPS_PROXY" = http://proxy.invalid:3128 '
        '&& test "$PIP_INDEX_URL" = http://index.invalid/simple\n'
    )
    image = workshop.ensure()
    program = "import os; print([k for k in os.environ if 'PROXY' in k or 'PIP_' in k])"
    assert workshop.output(image, program) == "[]\n"


def test_an_engine_that_is_gone_is_told_from_a_bad_image(workshop: Workshop) -> None:
    client = docker.DockerClient(base_url="tcp://127.0.0.1:1", version="1.41", timeout=1)
    with pytest.raises(EngineUnavailable, match="the engine failed at image"):
        Images(client, workshop.workloads, workshop.said.append).ensure(workshop.recipe)
    client.close()


def test_the_known_base_is_found_without_asking_a_registry(
    engine: docker.DockerClient, base: str
) -> None:
    assert known_base(engine) == base
    said: list[str] = []
    assert Images(engine, ROOT / "workloads", said.append).base() == base
    assert said == []
    assert base == REGISTRY_BASE or base.startswith(f"{LOCAL_BASE}:")


def test_the_built_in_files_are_where_they_are_looked_for() -> None:
    for name in ("cpu.Dockerfile", "workloads.Dockerfile", "cpu.requirements.txt", "base.sh"):
        assert (assets() / name).is_file()
    assert shutil.which(str(assets() / "base.sh")), "base.sh must be executable"
