"""The built site in Chromium: a server on this machine, and pages that note what goes wrong."""

import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from _tools.chapters import ROOT
from _tools.render import render

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Whatever a page asks of another host cannot even be looked up.
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
NEAR = ("http://127.0.0.1:", "file:", "data:", "blob:", "about:")


class Server(SimpleHTTPRequestHandler):
    """Serves files in silence."""

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture(scope="session")
def html():
    """Folder of the real site, rendered if anything that it shows changed."""
    return render(ROOT).parent


@pytest.fixture(scope="session")
def site(html):
    """Address of the built site, without a final slash."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Server, directory=html))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def browser():
    """Chromium without a network."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", OFFLINE]
        )
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    """A page of its own, which notes what goes wrong in ``page.complaints``."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.complaints = note = []
    page.on("pageerror", lambda error: note.append(f"script: {error}"))
    page.on("console", lambda m: note.append(f"console: {m.text}") if m.type == "error" else None)
    page.on("requestfailed", lambda request: note.append(f"failed: {request.url}"))
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith(NEAR) else note.append(f"other host: {request.url}")
        ),
    )
    yield page
    context.close()
