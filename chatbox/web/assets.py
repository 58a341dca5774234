"""The web client: read into memory once, served under one hash for the whole tree.

What lies under ``/assets/<hash>/`` never changes, so browsers keep it for a year and a new version has new
addresses. Only the shell at ``/`` is asked for again each time; it names the hash and lists the modules.
So is the service worker at ``/sw.js``, which has to stay at one address, and at the top.

Nothing is built: the files are served as they are, but for comments, a third of them, which become empty
lines so that line numbers stay, and the stylesheets of the shell, which are joined in their order.
"""

from __future__ import annotations

import gzip
import hashlib
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from chatbox.errors import NotFound
from chatbox.rules.hosts import has_port
from chatbox.web.base import Handler
from chatbox.web.headers import ASSET_CACHE, ASSET_SECURITY, OPENER_POLICY, REVALIDATE, content_policy

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/vnd.microsoft.icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wav": "audio/wav",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
FAVICONS = ("icons/favicon.ico", "icons/favicon.png", "icons/favicon.svg", "icons/icon.svg")

_MAIN = "js/main.js"
PAGES = {"index.html": _MAIN, "trust.html": "js/trust.js"}  # and what each begins with
_OWN = "/assets/@/"  # in the shell: this tree, whatever its hash
_PRELOADS = "<!-- modulepreload -->"
_LOADING = "<!-- loading -->"  # in its place stands the script that sees whether all of the page arrives
_LOADER = "js/loading.js"
_STYLES = "css/joined.css"
_WORKER = "sw.js"
_STYLE_LINKS = re.compile(rf'(?:<link rel="stylesheet" href="{_OWN}[^"]+">\s*)+')
_STYLE_LINK = re.compile(rf'href="{_OWN}([^"]+)"')
# Only whole lines: where a comment shares its line with code, telling them apart needs a parser.
_COMMENT = re.compile(r"^[ \t]*(?:/\*(?:(?!\*/).)*\*/|//[^\n]*)[ \t]*$", re.DOTALL | re.MULTILINE)
_IMPORT = re.compile(r"""^\s*(?:import|export)\b(?:[^"';]*?\bfrom)?\s*["'](\.[^"']+)["']""", re.MULTILINE)


class Asset(Struct, frozen=True):
    """One file. `gzipped` is None where compressing does not pay."""

    type: str
    plain: bytes
    gzipped: bytes | None
    etag: str

    @classmethod
    def make(cls, name: str, plain: bytes) -> Asset:
        small = gzip.compress(plain, 9, mtime=0)
        etag = hashlib.sha256(plain).hexdigest()[:16]
        kind = TYPES[posixpath.splitext(name)[1]]
        return cls(kind, plain, small if len(small) < 0.9 * len(plain) else None, etag)


class Assets(Struct, frozen=True):
    """The whole tree, by path below it, and the shell that opens it."""

    hash: str
    files: Mapping[str, Asset]
    shell: Asset
    trust: Asset  # the page for a new device, with addresses of its own
    loader: str  # the script that stands in both


def load_assets(folder: Path) -> Assets:
    """Read the client. Raises OSError where a file cannot be read, or a page is not there."""
    pages = {name: (folder / name).read_text("utf-8") for name in PAGES}
    found = {name: _served(name, (folder / name).read_bytes()) for name in _names(folder)}
    pages["index.html"] = _join_styles(pages["index.html"], found)
    loader = found.pop(_LOADER, b"").decode().replace("\r\n", "\n").strip()  # as browsers hash it
    total = hashlib.sha256()
    for name, page in pages.items():
        links = (f'<link rel="modulepreload" href="{_OWN}{each}">' for each in reachable(found, PAGES[name]))
        page = page.replace(_LOADING, f"<script>{loader}</script>")
        pages[name] = page.replace(_PRELOADS, "\n".join(links))
        total.update(pages[name].encode())
    for name, content in found.items():
        total.update(f"{name}\0{len(content)}\0".encode() + content)
    hash = total.hexdigest()[:12]
    files = {name: Asset.make(name, content) for name, content in found.items()}
    shell = pages["index.html"].replace(_OWN, f"/assets/{hash}/")
    trust = pages["trust.html"].replace(_OWN, f"/trust/assets/{hash}/")
    return Assets(
        hash,
        files,
        Asset.make("index.html", shell.encode()),
        Asset.make("trust.html", trust.encode()),
        loader,
    )


def without_comments(source: str) -> str:
    """The source of a script or stylesheet with the lines of its comments emptied."""
    return _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), source)


def reachable(files: Mapping[str, bytes], start: str = _MAIN) -> list[str]:
    """The modules that a module needs before it runs, itself first: everything it imports statically."""
    found: list[str] = []
    waiting = [start]
    while waiting:
        name = waiting.pop(0)
        if name in found or name not in files:
            continue
        found.append(name)
        source = _COMMENT.sub("", files[name].decode())
        waiting += [
            posixpath.normpath(posixpath.join(posixpath.dirname(name), to)) for to in _IMPORT.findall(source)
        ]
    return found


def _names(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix in TYPES and path.is_file() and name not in PAGES and "/." not in f"/{name}":
            yield name


def _served(name: str, content: bytes) -> bytes:
    return without_comments(content.decode()).encode() if name.endswith((".js", ".css")) else content


def _join_styles(page: str, files: dict[str, bytes]) -> str:
    """Put the stylesheets that the page links one after the other into one file, and link that."""
    links = _STYLE_LINKS.search(page)
    if not links:
        return page
    files[_STYLES] = b"".join(files[name] for name in _STYLE_LINK.findall(links[0]))
    return page.replace(links[0], f'<link rel="stylesheet" href="{_OWN}{_STYLES}">\n')


class _AssetHandler(Handler):
    errors_as_pages = True
    _etag: str | None = None

    def initialize(self, assets: Assets) -> None:
        self.assets = assets

    def compute_etag(self) -> str | None:
        return self._etag

    def compresses(self) -> bool:
        """Whether it may be sent compressed."""
        return True

    def send(self, asset: Asset, cache: str) -> None:
        body = asset.plain
        self.set_header("Content-Type", asset.type)
        self.set_header("Cache-Control", cache)
        self._etag = f'"{asset.etag}"'
        if asset.gzipped is not None:
            self.set_header("Vary", "Accept-Encoding")
            if self.compresses() and _takes_gzip(self.request.headers.get("Accept-Encoding", "")):
                self.set_header("Content-Encoding", "gzip")
                self._etag = f'"{asset.etag}-gzip"'
                body = asset.gzipped
        self.finish(body)


class _Page(_AssetHandler):
    def send_page(self, page: Asset, addresses: Iterable[str] = ()) -> None:
        """A page that may look at whether the server answers at these addresses."""
        policy = content_policy([*addresses, *self.secure_self()], self.assets.loader)
        self.set_header("Content-Security-Policy", policy)
        if self.scheme == "https":
            self.set_header("Cross-Origin-Opener-Policy", OPENER_POLICY)
        self.send(page, REVALIDATE)

    def compresses(self) -> bool:
        """Pages hold no secret that their size could tell (BREACH), but scanners cannot know that."""
        return self.scheme != "https"

    def secure_self(self) -> list[str]:
        """Where a page that is open over HTTP looks whether HTTPS works; browsers differ on whether 'self' in
        a policy says so."""
        host = self.request.headers["Host"]
        return (
            [] if self.scheme == "https" else [f"https://{host}" if has_port(host) else f"https://{host}:80"]
        )


class Shell(_Page):
    """``GET /``: the same for everybody; nobody's cookie is looked at."""

    async def get(self) -> None:
        addresses = self.ctx.server.addresses()
        if self.scheme == "https":  # a secure page may look at nothing else
            addresses = [address.replace("http://", "https://", 1) for address in addresses]
        self.send_page(self.assets.shell, addresses)

    head = get


class File(_AssetHandler):
    """``GET /assets/<hash>/<path>``"""

    security = ASSET_SECURITY

    async def get(self, hash: str, path: str) -> None:
        asset = self.assets.files.get(path) if hash == self.assets.hash else None
        if asset is None:
            raise NotFound("This page is from another version of Chatbox. Load it again.")
        self.send(asset, ASSET_CACHE)

    head = get


class Worker(_AssetHandler):
    """``GET /sw.js``: the service worker, whose scope is what lies below its address (Service Workers, W3C,
    3.4.3)."""

    security = ASSET_SECURITY

    async def get(self) -> None:
        self.send(self.assets.files[_WORKER], REVALIDATE)

    head = get


class TrustPage(_Page):
    """``GET /trust``: the page for a new device. It and all that it loads are answered over HTTP too."""

    def answers_plainly(self) -> bool:
        return True

    async def get(self) -> None:
        self.send_page(self.assets.trust)

    head = get


class TrustFile(File):
    """``GET /trust/assets/<hash>/<path>``"""

    def answers_plainly(self) -> bool:
        return True


class Favicon(_AssetHandler):
    """``GET /favicon.ico``, which browsers ask for without being told to."""

    async def get(self) -> None:
        for name in FAVICONS:
            if name in self.assets.files:
                return self.send(self.assets.files[name], REVALIDATE)
        raise NotFound("There is nothing at this address.")

    head = get


def _takes_gzip(accepted: str) -> bool:
    for part in accepted.lower().split(","):
        name, _, quality = part.partition(";")
        if name.strip() == "gzip":
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
