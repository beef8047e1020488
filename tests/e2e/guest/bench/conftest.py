import pytest


@pytest.fixture(params=[10, 100])
def rows(request):
    return [[number, str(number)] for number in range(request.param)]
