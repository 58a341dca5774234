"""A site that the tests of a module share, and two people on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.web.support import Person, Site, settings


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that the tests of a module share."""
    made = Site(tmp_path_factory.mktemp("site"), settings(file_bytes=300_000))
    yield made
    made.close()


@pytest.fixture(scope="module")
def ada(site: Site) -> Person:
    return site.add_person("ada", admin=True)


@pytest.fixture(scope="module")
def ben(site: Site) -> Person:
    return site.add_person("ben")
