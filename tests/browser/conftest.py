"""One Chromium and one server for all tests of a worker; each test has its own people, rooms and windows."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browser.device import device
from tests.browser.lan import HOST
from tests.browser.site import Person, Site
from tests.browser.support import CHROMIUM, FLAGS, Stage
from tests.harness.process import ROOT

_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[_FAILED] = item.stash.get(_FAILED, False) or report.failed
    return report


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What drives browsers."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """One Chromium; every window gets a context, with cookies and storage of its own."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server that all tests of a worker share, set up and open to everybody."""
    site = Site(tmp_path_factory.mktemp("site"))
    site.start()
    site.admin = site.set_up()
    yield site
    site.close()


@pytest.fixture(scope="module")
def lan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server that is set up and known by a name, as browsers have no trust in names of a local network."""
    site = Site(tmp_path_factory.mktemp("lan"), {"server.hosts": HOST})
    site.start()
    site.admin = site.set_up()
    site.run(site.server.told("HTTPS answers on the same port"))
    yield site
    site.close()


@pytest.fixture(scope="module")
def strange(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A device that was never here."""
    with device(playwright, tmp_path_factory.mktemp("strange")) as browser:
        yield browser


@pytest.fixture(scope="module")
def trusting(
    lan: Site, playwright: Playwright, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """A device on which the server's authority was installed."""
    home = tmp_path_factory.mktemp("trusting")
    with device(playwright, home, lan.server.data / "tls/ca.crt") as browser:
        yield browser


@pytest.fixture
def own_site(tmp_path: Path) -> Iterator[Site]:
    """A server of the test's own, at its first start, which found a screen to open a browser on."""
    site = Site(tmp_path, at_a_desk=True)
    site.start()
    yield site
    site.close()


@pytest.fixture
def stages(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[[Site], Stage]]:
    """Makes the windows of a test; at its end they are closed and must have had nothing to complain of."""
    made: list[Stage] = []

    def make(site: Site) -> Stage:
        made.append(Stage(site, chromium))
        return made[-1]

    yield make
    for stage in made:
        if request.node.stash.get(_FAILED, False):
            stage.keep_pictures(ROOT / "test-results" / request.node.name)
        stage.close()


@pytest.fixture
def stage(site: Site, stages: Callable[[Site], Stage]) -> Stage:
    """Windows on the shared server."""
    return stages(site)


@pytest.fixture
def own_stage(own_site: Site, stages: Callable[[Site], Stage]) -> Stage:
    """Windows on a server of the test's own."""
    return stages(own_site)


@pytest.fixture
def ada(site: Site) -> Person:
    return site.person("Ada Lindqvist")


@pytest.fixture
def ben(site: Site) -> Person:
    return site.person("Ben Okafor")


@pytest.fixture
def room(site: Site, ada: Person, ben: Person) -> int:
    """A room with Ada, who made it, and Ben."""
    return site.room(ada, f"room-{ada.id}", ben)
