"""The built site in a real browser, from a server on this machine."""

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from _tools.chapters import ROOT
from _tools.render import render

BROWSER = Path("/usr/bin/chromium")


class Quiet(SimpleHTTPRequestHandler):
    """Serve files without a line for each."""

    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def html():
    """Folder of the real site, rendered if anything that it shows changed."""
    return render(ROOT).parent


@pytest.fixture(scope="session")
def site(html):
    """Address of a server of the site."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(html)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def browser():
    """Chromium, if there is one."""
    playwright = pytest.importorskip("playwright.sync_api")
    if not BROWSER.exists():
        pytest.skip(f"{BROWSER} is not installed")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=str(BROWSER), args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(browser):
    """An empty page of its own context."""
    context = browser.new_context()
    yield context.new_page()
    context.close()
