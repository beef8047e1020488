"""A target whose stack is an image that the engine holds: taken as it is, where it can serve."""

import io
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace

import docker
import pytest

from containers.errors import ImageUnavailable
from containers.images import Image
from tests.containers.workshop import Workshop

WITH_JAX = """\
RUN mkdir -p /opt/theirs && touch /opt/theirs/jax.py /opt/theirs/numpy.py
ENV PYTHONPATH=/opt/theirs
ENTRYPOINT ["/bin/false"]
"""

Make = Callable[[str], str]


@pytest.fixture
def make(engine: docker.DockerClient, image: str) -> Iterator[Make]:
    """Makes somebody's image, on a Python, of the lines of a Dockerfile: its tag."""
    tags: list[str] = []

    def make(lines: str) -> str:
        tag = f"jaxrig-test/given:{uuid.uuid4().hex}"
        dockerfile = io.BytesIO(f"FROM {image}\n{lines}".encode())
        engine.images.build(fileobj=dockerfile, tag=tag, network_mode="host", rm=True, forcerm=True)
        tags.append(tag)
        return tag

    yield make
    for tag in tags:
        engine.images.remove(tag)


def ensured(workshop: Workshop, image: str) -> Image:
    given = replace(workshop.recipe, image=image, dockerfile=None, requirements=None, base=None)
    return workshop.ensure(given)


def test_the_workloads_come_on_top_of_an_image_as_it_is(
    engine: docker.DockerClient, workshop: Workshop, make: Make
) -> None:
    tag = make(WITH_JAX)
    made = ensured(workshop, tag)
    name = workshop.recipe.name
    assert workshop.said == [
        f"looking whether image {tag} can be target {name}",
        f"adding the workloads to target {name}",
    ]
    assert made.tag.startswith(f"jaxrig/{name}:")
    program = "import jax, os, workloads; print(jax.__file__, workloads.VALUE, os.getuid())"
    assert workshop.output(made, program) == "/opt/theirs/jax.py 1 65534\n"
    assert ensured(workshop, str(engine.images.get(tag).id)) == made
    assert workshop.said == []


def test_an_image_that_is_not_there_is_refused_with_the_ways_to_get_it(workshop: Workshop) -> None:
    with pytest.raises(ImageUnavailable, match=r"no image nobody/made:this, .*`docker load`"):
        ensured(workshop, "nobody/made:this")
    assert workshop.said == []


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("", "No module named 'jax'"),
        ('RUN rm "$(command -v python)"\n', "there is no command named python in this image"),
    ],
)
def test_an_image_without_python_or_jax_is_refused(
    workshop: Workshop, make: Make, lines: str, told: str
) -> None:
    with pytest.raises(ImageUnavailable) as refused:
        ensured(workshop, make(lines))
    assert f"image of target {workshop.recipe.name} cannot be built" in str(refused.value)
    assert told in str(refused.value)
