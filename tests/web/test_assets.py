"""The shell and the client's files."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from pathlib import Path

import pytest

from chatbox.web.assets import Assets, load_assets, reachable, without_comments
from tests.web.support import Site

CLIENT = Path(__file__).resolve().parents[2] / "assets"
REQUESTS = 60
COMPRESSED = 120_000
# What makes a script of the text of an address.
SCRIPT_BY_ADDRESS = re.compile(
    r"\bcreatePolicy\([^}]*\}|\bserviceWorker\.register\b|\bimportScripts\b|\bnew\s+(?:Shared)?Worker\b"
)
# What a worker listens to, and what it could keep or fetch.
WORKER_DOES = re.compile(
    r"""\baddEventListener\(\s*["'](\w+)["']|\bon\w+\s*=|\b(?:caches|fetch|indexedDB|pushManager)\b"""
)


def test_the_shell_names_the_tree_and_lists_the_modules(site: Site) -> None:
    answer = site.ask("GET", "/")
    page = answer.body.decode()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert re.findall(r'modulepreload" href="([^"]+)"', page) == [
        f"/assets/{site.assets.hash}/{name}" for name in ("js/main.js", "js/lib/one.js", "js/two.js")
    ]
    assert f"/assets/{site.assets.hash}/icons/favicon.svg" in page
    assert "@" not in page


def test_the_shell_is_the_same_whoever_asks(site: Site) -> None:
    plain = site.ask("GET", "/")
    marked = site.ask("GET", "/", headers={"Cookie": f"{site.cookie_name}=x"})
    assert (plain.body, plain.headers["etag"]) == (marked.body, marked.headers["etag"])


def test_a_known_shell_is_not_sent_again(site: Site) -> None:
    etag = site.ask("GET", "/").headers["etag"]
    answer = site.ask("GET", "/", headers={"If-None-Match": etag})
    assert (answer.status, answer.body) == (304, b"")


def test_assets_are_kept_for_ever_and_sent_compressed(site: Site) -> None:
    path = f"/assets/{site.assets.hash}/js/main.js"
    plain = site.ask("GET", path)
    small = site.ask("GET", path, headers={"Accept-Encoding": "br, gzip;q=0.5"})
    assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert plain.headers["content-type"] == "text/javascript; charset=utf-8"
    assert small.headers["content-encoding"] == "gzip"
    assert gzip.decompress(small.body) == plain.body
    assert plain.headers["vary"] == small.headers["vary"] == "Accept-Encoding"
    assert plain.headers["etag"] != small.headers["etag"]
    refused = site.ask("GET", path, headers={"Accept-Encoding": "gzip;q=0"})
    assert "content-encoding" not in refused.headers
    head = site.ask("HEAD", path)
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(plain.body)))


@pytest.mark.parametrize(
    "path",
    [
        "/assets/000000000000/js/main.js",
        "/assets/{hash}/.hidden.js",
        "/assets/{hash}/notes.txt",
        "/assets/{hash}/index.html",
        "/assets/{hash}/../../chatbox.sqlite3",
        "/assets/{hash}/%2e%2e/%2e%2e/chatbox.sqlite3",
        "/assets/{hash}//etc/passwd",
        "/assets/{hash}/",
    ],
)
def test_nothing_else_is_served(site: Site, path: str) -> None:
    assert site.ask("GET", path.format(hash=site.assets.hash)).status == 404


def test_the_worker_is_for_the_whole_site_and_asked_for_each_time(site: Site) -> None:
    answer = site.ask("GET", "/sw.js")
    assert (answer.status, answer.body) == (200, site.assets.files["sw.js"].plain)
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    again = site.ask("GET", "/sw.js", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status == 304


def test_the_worker_is_the_one_script_that_a_text_names() -> None:
    sources = {path.name: without_comments(path.read_text("utf-8")) for path in CLIENT.rglob("*.js")}
    found = {name: SCRIPT_BY_ADDRESS.findall(source) for name, source in sources.items()}
    assert {name: uses for name, uses in found.items() if uses} == {
        "attention.js": [
            'createPolicy("worker", {\n  createScriptURL: () => WORKER,\n}',
            "serviceWorker.register",
        ]
    }
    assert 'const WORKER = "/sw.js";' in sources["attention.js"]


def test_the_worker_only_leads_from_notifications_to_rooms() -> None:
    source = without_comments((CLIENT / "sw.js").read_text("utf-8"))
    found = [match[1] or match[0] for match in WORKER_DOES.finditer(source)]
    assert found == ["install", "notificationclick"]


def test_a_favicon_is_there(site: Site) -> None:
    assert site.ask("GET", "/favicon.ico").headers["content-type"] == "image/svg+xml"


def test_the_hash_follows_every_file(site: Site, tmp_path: Path) -> None:
    (tmp_path / "js").mkdir()
    (tmp_path / "index.html").write_text("x")
    (tmp_path / "trust.html").write_text("x")
    (tmp_path / "js" / "main.js").write_text("y")
    first = load_assets(tmp_path).hash
    assert load_assets(tmp_path).hash == first
    (tmp_path / "js" / "main.js").write_text("z")
    second = load_assets(tmp_path).hash
    (tmp_path / "trust.html").write_text("y")
    assert len({first, second, load_assets(tmp_path).hash}) == 3


def test_the_script_in_the_page_has_the_line_ends_that_browsers_hash(tmp_path: Path) -> None:
    (tmp_path / "js").mkdir()
    for name in ("index.html", "trust.html"):
        (tmp_path / name).write_bytes(b"<!-- loading -->\r\n")
    (tmp_path / "js" / "loading.js").write_bytes(b"one();\r\ntwo();\r\n")
    found = load_assets(tmp_path)
    assert found.loader == "one();\ntwo();"
    assert found.shell.plain == found.trust.plain == b"<script>one();\ntwo();</script>\n"


def test_comments_go_and_line_numbers_stay() -> None:
    source = (
        '/**\n * What it is.\n */\nconst url = "http://x/*"; // kept\n  // gone\n/* gone */\nconst b = 1;\n'
    )
    assert without_comments(source) == '\n\n\nconst url = "http://x/*"; // kept\n\n\nconst b = 1;\n'


def test_a_comment_before_code_takes_no_code_with_it() -> None:
    source = "/** @type {X} */ (one);\ntwo();\n/* gone */\n"
    assert without_comments(source) == "/** @type {X} */ (one);\ntwo();\n\n"


def test_every_module_is_a_module_still(tmp_path: Path) -> None:
    modules = [
        (name, asset.plain) for name, asset in load_assets(CLIENT).files.items() if name.endswith(".js")
    ]
    script = tmp_path / "check.mjs"
    script.write_text(
        "import { readFileSync } from 'node:fs'; import vm from 'node:vm';"
        "for (const [name, text] of JSON.parse(readFileSync(0, 'utf8')))"
        " new vm.SourceTextModule(text, { identifier: name });"
    )
    sent = json.dumps([(name, text.decode()) for name, text in modules])
    command = ["node", "--experimental-vm-modules", "--no-warnings", str(script)]
    done = subprocess.run(command, input=sent, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_stylesheets_are_joined_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "css").mkdir()
    (tmp_path / "css" / "a.css").write_text("a {}\n")
    (tmp_path / "css" / "b.css").write_text("b {}\n")
    link = '<link rel="stylesheet" href="/assets/@/css/{}.css">'
    (tmp_path / "index.html").write_text(f"<head>\n{link.format('b')}\n{link.format('a')}\n</head>")
    (tmp_path / "trust.html").write_text("x")
    client = load_assets(tmp_path)
    assert client.files["css/joined.css"].plain == b"b {}\na {}\n"
    assert client.shell.plain.count(b"<link") == 1


def test_no_stylesheet_names_a_file_by_its_place() -> None:
    """Joined, they have another place."""
    for path in CLIENT.rglob("*.css"):
        assert not re.search(
            r"@import|url\((?![\"']?(data:|#))", without_comments(path.read_text("utf-8"))
        ), path


def test_imports_are_followed_however_they_are_written() -> None:
    files = {
        "js/main.js": b'import "./a.js";\nimport {x,\n  y} from "./b.js";export const from = "./no.js";',
        "js/a.js": b"export * from './c.js';\n",
        "js/b.js": b'// import "./no.js";\nconst text = `\nimport`;\n',
        "js/c.js": b'const later = () => import("./no.js");\n',
        "js/no.js": b"",
    }
    assert reachable(files) == ["js/main.js", "js/a.js", "js/b.js", "js/c.js"]


def cold_load(client: Assets) -> list[str]:
    """What a browser fetches before the first page stands: what the shell, styles and modules name."""
    base = f"/assets/{client.hash}/"
    names = dict.fromkeys(re.findall(rf'"{base}([^"#?]+)', client.shell.plain.decode()))
    for name in [name for name in names if name.endswith(".css")]:
        css = client.files[name].plain.decode()
        for found in re.findall(r"""(?:@import\s+|url\()["']?([^"')#]+)""", css):
            names[(Path("/", name).parent / found).resolve().as_posix().lstrip("/")] = None
    for name in [name for name in names if name.endswith(".js")]:
        for found in re.findall(r"new URL\(['\"](\.[^'\"]+)", client.files[name].plain.decode()):
            names[(Path("/", name).parent / found).resolve().as_posix().lstrip("/")] = None
    return list(names)


def test_a_cold_load_stays_small() -> None:
    client = load_assets(CLIENT)
    names = cold_load(client)
    missing = [name for name in names if name not in client.files]
    assert not missing
    sent = [client.files[name] for name in names] + [client.shell]
    size = sum(len(asset.gzipped or asset.plain) for asset in sent)
    print(f"{len(sent)} requests, {size:,} bytes compressed")
    assert "js/main.js" in names
    assert len(sent) <= REQUESTS
    assert size <= COMPRESSED


def test_what_a_page_loads_carries_few_headers_and_runs_nothing_by_itself(site: Site) -> None:
    answer = site.ask("GET", f"/assets/{site.assets.hash}/icons/favicon.svg")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert sum(len(name) + len(value) + 4 for name, value in answer.headers.items()) < 500
