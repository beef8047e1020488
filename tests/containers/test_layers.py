"""What comes between a stack and its workloads, and on top of them: a project, a suite of one's own
and what that requires."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from containers.own import Own
from containers.project import Project
from tests.containers.workshop import DOCKERFILE, Workshop


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


# Likewise; it builds nothing.
NO_PIP = """\
import json, sys
words = sys.argv[1:]
if "--report" in words:
    json.dump({"install": []}, open(words[words.index("--report") + 1], "w"))
elif words[0] == "wheel":
    open("wheels/a-1-py3-none-any.whl", "w").write("a wheel")
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


def test_no_secret_beside_the_code_reaches_an_image(workshop: Workshop, suite: Path) -> None:
    """Everything that the engine holds of it is looked through, stages and their history too."""
    folder = workshop.folder / "project"
    folder.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    (folder / "pyproject.toml").write_text("[project]\n# KNOWN TO ARRIVE\n")
    for place in (folder, suite, workshop.workloads):
        for name in (".env", "deep/.env.local", ".git/config", ".git/hidden", ".netrc"):
            (place / name).parent.mkdir(exist_ok=True)
            with (place / name).open("a") as file:
                file.write("# A PLANTED TOKEN\n")
    (folder / "server.key").write_text("A PLANTED TOKEN")
    workshop.requirements.write_text(NO_PIP)
    workshop.write(
        DOCKERFILE.replace("/requirements.txt\n", "/opt/pip/pip.py\n") + "ENV PYTHONPATH=/opt/pip\n"
    )
    image = workshop.ensure(replace(workshop.recipe, project=Project(folder=folder)))
    arrives = b"KNOWN TO ARRIVE"  # in the stage that builds it
    assert workshop.held(image, arrives, b"A PLANTED TOKEN") == {arrives}


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
