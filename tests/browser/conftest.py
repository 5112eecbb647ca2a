"""The built site in a real browser: Debian's Chromium, driven by playwright, network off."""

import gzip
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Whatever a page asks of another host cannot even be looked up.
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
COMPRESSED = (".html", ".js", ".css", ".svg", ".csv", ".json")


class Server(SimpleHTTPRequestHandler):
    """Serves files as a public host does: text is compressed on the way."""

    def do_GET(self):
        path = self.translate_path(self.path)
        asked = "gzip" in self.headers.get("Accept-Encoding", "")
        if not (asked and path.endswith(COMPRESSED)):
            return super().do_GET()
        try:
            with open(path, "rb") as file:
                body = gzip.compress(file.read(), 6)
        except OSError:
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Stay silent."""

    def handle(self):
        try:
            super().handle()
        except ConnectionError:
            pass  # the browser left the page while it was sent


@pytest.fixture(scope="session")
def site(html):
    """Address of the built site, served on this machine, without a final slash."""
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
    """A page of its own, 1280 by 800, which notes what goes wrong in ``page.complaints``."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield watched(context.new_page())
    context.close()


def watched(page):
    """Note failed requests, requests to other hosts, errors of scripts and in the console."""
    page.complaints = []
    note = page.complaints.append
    page.on("pageerror", lambda error: note(f"script: {error}"))
    page.on(
        "console",
        lambda message: note(f"console: {message.text}") if message.type == "error" else None,
    )
    page.on(
        "requestfailed",
        # A request that its page leaves behind has not failed.
        lambda request: (
            None
            if request.failure == "net::ERR_ABORTED"
            else note(f"failed: {request.url} {request.failure}")
        ),
    )
    page.on(
        "request",
        lambda request: None if is_near(request.url) else note(f"other host: {request.url}"),
    )
    page.on(
        "response",
        lambda response: (
            note(f"{response.status}: {response.url}") if response.status >= 400 else None
        ),
    )
    return page


def is_near(url):
    """Tell whether an address stays on this machine."""
    return url.startswith(("http://127.0.0.1:", "file:", "data:", "blob:", "about:"))
