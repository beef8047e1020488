"""Images are named by what they hold, and built when that is new; on a real engine."""

import os
import shutil
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from containers.assets import assets
from containers.errors import EngineUnavailable, ImageUnavailable
from containers.images import (
    LOCAL_BASE,
    REGISTRY_BASE,
    Images,
    known_base,
    target_of_image,
)
from tests.checkout import ROOT
from tests.containers.workshop import DOCKERFILE, Workshop


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


def test_built_anew_no_layer_of_an_earlier_build_serves(
    engine: docker.DockerClient, workshop: Workshop
) -> None:
    workshop.write(DOCKERFILE + "RUN date +%s%N >/made\n")
    made = "print(open('/made').read())"
    first = workshop.output(workshop.ensure(), made)
    for part, anew in (("-again", False), ("-anew", True)):
        images = Images(engine, workshop.workloads, workshop.said.append, anew=anew)
        again = images.ensure(replace(workshop.recipe, name=f"{workshop.recipe.name}{part}"))
        assert (workshop.output(again, made) != first) is anew


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
        look_for(child)


def look_for(process: int) -> None:
    """For a while: what has ended is there until it is reaped."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        os.kill(process, 0)
        time.sleep(0.01)


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
    told = "no registry gives this engine localhost:1/nowhere:none.*docker load"
    with pytest.raises(ImageUnavailable, match=told):
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
