"""The built site in Chromium, over HTTP on a free port of this machine."""

import shutil
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from _tools.chapters import ROOT
from _tools.render import render


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and logs nothing."""

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="session")
def html():
    """Folder of the real site, rendered if anything that it shows changed."""
    try:
        return render(ROOT).parent
    except SystemExit as stop:
        pytest.fail(str(stop))


@pytest.fixture(scope="session")
def site(html):
    """Address of the site, without a slash at its end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(html)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def browser():
    """The system's Chromium."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("no chromium is installed")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    """A fresh page."""
    context = browser.new_context()
    yield context.new_page()
    context.close()
