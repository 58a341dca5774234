"""The floors of docs/architecture.md, kept true by reading the source.

A Python module imports from the floors strictly below its own, or from its own folder. A new package or
top-level module is listed in `FLOORS` here and on that page; a new folder of the web client in `JS_FLOORS`.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "assets"
WHERE = "tests/test_architecture.py, and in docs/architecture.md"
ROOF = 7
FILE_LINES = 400
FUNCTION_LINES = 60

FLOORS = {
    # F0 values
    "chatbox": 0,
    "chatbox.clock": 0,
    "chatbox.errors": 0,
    "chatbox.model": 0,
    "chatbox.version": 0,
    # F1 pure rules
    "chatbox.kinds": 1,
    "chatbox.protocol": 1,
    "chatbox.rules": 1,
    "chatbox.settings": 1,
    "chatbox.settings_parser": 1,
    # F2 ports, and what the adapters share
    "chatbox.atomic": 2,
    "chatbox.bus.base": 2,
    "chatbox.progress": 2,
    "chatbox.store.base": 2,
    "chatbox.tasks": 2,
    # F3 adapters
    "chatbox.bus": 3,
    "chatbox.data_folder": 3,
    "chatbox.folder_lock": 3,
    "chatbox.ownership": 3,
    "chatbox.settings_file": 3,
    "chatbox.store": 3,
    "chatbox.licenses": 3,
    # F4 what runs, F5 use cases
    "chatbox.backup": 4,
    "chatbox.live": 4,
    "chatbox.chat": 5,
    # F6 the sides that the network and this computer see, each unaware of the others
    "chatbox.lan": 6,
    "chatbox.service": 6,
    "chatbox.web": 6,
    # F7 roof
    "chatbox.__main__": ROOF,
    "chatbox.always": ROOF,
    "chatbox.api_docs": ROOF,
    "chatbox.arguments": ROOF,
    "chatbox.awake": ROOF,
    "chatbox.cli": ROOF,
    "chatbox.cluster": ROOF,
    "chatbox.computer": ROOF,
    "chatbox.console": ROOF,
    "chatbox.control": ROOF,
    "chatbox.docs": ROOF,
    "chatbox.frozen": ROOF,
    "chatbox.instance": ROOF,
    "chatbox.journal": ROOF,
    "chatbox.lookout": ROOF,
    "chatbox.memory": ROOF,
    "chatbox.notify": ROOF,
    "chatbox.operations": ROOF,
    "chatbox.reach": ROOF,
    "chatbox.reception": ROOF,
    "chatbox.server": ROOF,
    "chatbox.service_command": ROOF,
    "chatbox.startup": ROOF,
    "chatbox.tls": ROOF,
    "chatbox.windows": ROOF,
}

# Libraries that only some modules may import; whatever is not named here may be imported anywhere.
TORNADO = ("chatbox.web", "chatbox.server", "chatbox.cli", "chatbox.control")
SQLITE = ("sqlite", "steps", "upgrades", "copies", "restored", "words", "tables", "copied", "moving_postgres")
POSTGRES = ("postgres", "postgres_opening", "postgres_refusals", "awaited", "lane", "moving_postgres")
OWNERS = {
    "tornado": TORNADO,
    "aiosqlite": ("chatbox.store.sqlite",),
    "asyncpg": tuple(f"chatbox.store.{name}" for name in POSTGRES),
    "botocore": ("chatbox.store.bucket",),
    "s3transfer": ("chatbox.store.bucket",),
    "redis": ("chatbox.bus.link",),
    "sqlite3": (*(f"chatbox.store.{name}" for name in SQLITE), "chatbox.licenses"),
}

# The pure floor neither waits nor looks at the world: the same input gives the same output.
IMPURE = frozenset({"asyncio", "random", "secrets", "socket", "subprocess", "threading", "time"})

JS_FLOORS = {
    "lib": 0,
    "protocol": 1,
    "text": 1,
    "model": 2,
    "net": 2,
    "actions": 3,
    "views": 4,
    **dict.fromkeys(("loading", "main", "trust"), 5),
}
JS_IMPORT = re.compile(r"""(?:\bfrom|\bimport)\s*\(?\s*(["'`])(?P<path>[^"'`]+)\1""")
JS_COMMENT = re.compile(r"/\*.*?\*/|(?<!\S)//[^\n]*", re.DOTALL)
MARKUP_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)

# What turns a text into markup or code: the client builds its DOM from texts and nodes only.
JS_MARKUP = re.compile(
    r"\b(innerHTML|outerHTML|insertAdjacentHTML|setHTMLUnsafe|createContextualFragment|srcdoc|DOMParser)\b"
    r"|\bdocument\.write|\beval\s*\(|\bnew\s+Function\b"
)
JS_REQUEST = re.compile(  # a method that is merely called fetch is none
    r"(?<![.\w])fetch\s*\((?![^)]*\)\s*\{)|\bwindow\.fetch\b|\b(WebSocket|XMLHttpRequest|EventSource|sendBeacon)\b"
)
JS_DOCUMENT = re.compile(r"(?<![.\w])document\b")
JS_WITHOUT_DOM = ("protocol", "text", "model", "net")

# An address outside: a client that works with no internet has none. XML's namespaces are no addresses.
OUTSIDE = re.compile(r"(?:https?:|(?<=[\"'(=]))//(?!www\.w3\.org/)[a-z0-9]", re.IGNORECASE)


def python_sources() -> dict[str, str]:
    """Module name -> source of every module of the package; a package has the name of its folder."""
    sources = {}
    for path in sorted((ROOT / "chatbox").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        sources[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text("utf-8")
    return sources


def js_sources() -> dict[str, str]:
    """Path below assets/js -> source, comments removed."""
    files = sorted((ASSETS / "js").rglob("*.js"))
    return {
        path.relative_to(ASSETS / "js").as_posix(): JS_COMMENT.sub("", path.read_text("utf-8"))
        for path in files
    }


def floor_of(module: str) -> int | None:
    """The floor of the module, or of the nearest listed package around it; None where neither is listed."""
    name = module
    while "." in name:
        if name in FLOORS:
            return FLOORS[name]
        name = name.rpartition(".")[0]
    return FLOORS[name] if name == module else None


def package(module: str, sources: Mapping[str, str]) -> str:
    """`chatbox.store` for all that is in it, however deep; `chatbox` for the modules at the top."""
    top = ".".join(module.split(".")[:2])
    return top if any(name.startswith(f"{top}.") for name in sources) else "chatbox"


def imported_names(module: str, source: str) -> Iterator[str]:
    """Every dotted name that the source imports anywhere, inside functions and for types only as well."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: write the import with the full name"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(sources: Mapping[str, str]) -> dict[str, set[str]]:
    """Module -> modules of Chatbox that it imports."""
    graph = {}
    for module, source in sources.items():
        names = {name for name in imported_names(module, source) if name.split(".")[0] == "chatbox"}
        graph[module] = {name if name in sources else name.rpartition(".")[0] for name in names} - {module}
    return graph


def breaches_of_floors(sources: Mapping[str, str]) -> Iterator[str]:
    for module, targets in own_imports(sources).items():
        floor = floor_of(module)
        if floor is None:
            yield f"{module} has no floor: list it in FLOORS of {WHERE}"
            continue
        for target in sorted(targets):
            below = floor_of(target)
            inside = floor > 0 and package(target, sources) == package(module, sources)
            if below is None or not (below < floor or (inside and below == floor)):
                yield f"{module} (floor {floor}) imports {target} (floor {below})"


def breaches_of_owners(sources: Mapping[str, str]) -> Iterator[str]:
    for module, source in sources.items():
        libraries = {name.split(".")[0] for name in imported_names(module, source)}
        for library in sorted(libraries & OWNERS.keys()):
            if not any(module == owner or module.startswith(f"{owner}.") for owner in OWNERS[library]):
                yield f"{module} imports {library}: only {', '.join(OWNERS[library])} may"


def breaches_of_purity(sources: Mapping[str, str]) -> Iterator[str]:
    for module, source in sources.items():
        if floor_of(module) != 1:
            continue
        for library in sorted({name.split(".")[0] for name in imported_names(module, source)} & IMPURE):
            yield f"{module} is pure and imports {library}"
        if any(isinstance(node, ast.AsyncFunctionDef | ast.Await) for node in ast.walk(ast.parse(source))):
            yield f"{module} is pure and awaits"


def circle(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """Some way in the graph from a node back to itself; empty where there is none."""
    finished: set[str] = set()

    def walk(node: str, path: list[str]) -> list[str]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in finished:
            return []
        for target in sorted(graph.get(node, ())):
            if found := walk(target, [*path, node]):
                return found
        finished.add(node)
        return []

    return next((found for node in sorted(graph) if (found := walk(node, []))), [])


def js_imports(path: str, source: str) -> set[str]:
    """The files below assets/js that the source imports; whatever else it imports, as it is spelled."""
    found = set()
    for match in JS_IMPORT.finditer(source):
        target = match["path"]
        if target.startswith("."):
            resolved = (ASSETS / "js" / PurePosixPath(path).parent / target).resolve()
            base = ASSETS / "js"
            target = resolved.relative_to(base).as_posix() if resolved.is_relative_to(base) else target
        found.add(target)
    return found


def js_folder(path: str) -> str:
    """The part of the client that a file belongs to: its folder below assets/js, or its own name there."""
    return PurePosixPath(path).parts[0].removesuffix(".js")


def breaches_of_js_floors(sources: Mapping[str, str]) -> Iterator[str]:
    for path, source in sources.items():
        folder = js_folder(path)
        if folder not in JS_FLOORS:
            yield f"{path}: list {folder} in JS_FLOORS of {WHERE}"
            continue
        for target in sorted(js_imports(path, source)):
            other = js_folder(target)
            if target not in sources:
                yield f"{path} imports {target}, which is not in assets/js"
            elif other != folder and JS_FLOORS.get(other, ROOF) >= JS_FLOORS[folder]:
                yield f"{path} imports {target}, which is not below it"


def matches(
    pattern: re.Pattern[str], sources: Mapping[str, str], folders: Iterable[str] = JS_FLOORS
) -> list[str]:
    chosen = set(folders)
    return [
        f"{path}: {match.group()}"
        for path, source in sources.items()
        if js_folder(path) in chosen
        for match in pattern.finditer(source)
    ]


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end; the docstring is free."""
    first = function.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def breaches_of_length(path: Path) -> Iterator[str]:
    source = path.read_text("utf-8")
    name = path.relative_to(ROOT)
    if (lines := source.count("\n")) > FILE_LINES:
        yield f"{name}: {lines} lines, at most {FILE_LINES}"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and body_lines(node) > FUNCTION_LINES:
            yield f"{name}:{node.lineno}: {node.name} is longer than {FUNCTION_LINES} lines"


def assert_none(breaches: Iterable[str]) -> None:
    listed = list(breaches)
    assert not listed, "\n" + "\n".join(listed)


def test_a_module_imports_only_from_below_or_beside() -> None:
    assert_none(breaches_of_floors(python_sources()))


def test_no_python_imports_run_in_a_circle() -> None:
    assert circle(own_imports(python_sources())) == []


def test_a_library_stays_with_the_modules_that_own_it() -> None:
    assert_none(breaches_of_owners(python_sources()))


def test_the_pure_floor_has_no_clock_no_chance_and_no_io() -> None:
    assert_none(breaches_of_purity(python_sources()))


def test_python_files_and_functions_fit() -> None:
    files = [path for folder in ("chatbox", "tests") for path in sorted((ROOT / folder).rglob("*.py"))]
    assert_none(breach for path in files for breach in breaches_of_length(path))


def test_the_client_imports_only_from_below() -> None:
    assert_none(breaches_of_js_floors(js_sources()))


def test_no_imports_of_the_client_run_in_a_circle() -> None:
    sources = js_sources()
    assert circle({path: js_imports(path, source) for path, source in sources.items()}) == []


def test_files_of_the_client_fit() -> None:
    files = [path for kind in ("js", "css") for path in sorted(ASSETS.rglob(f"*.{kind}"))]
    lengths = {path.relative_to(ROOT): path.read_text("utf-8").count("\n") for path in files}
    assert_none(f"{name}: {lines} lines" for name, lines in lengths.items() if lines > FILE_LINES)


def test_the_client_never_turns_text_into_markup_or_code() -> None:
    assert_none(matches(JS_MARKUP, js_sources()))


def test_state_and_network_of_the_client_never_touch_the_document() -> None:
    assert_none(matches(JS_DOCUMENT, js_sources(), JS_WITHOUT_DOM))


def test_views_never_speak_to_the_server_themselves() -> None:
    assert_none(matches(JS_REQUEST, js_sources(), ["views"]))


def test_nothing_in_the_client_points_outside() -> None:
    breaches = []
    for path in sorted(path for path in ASSETS.rglob("*") if path.suffix in {".js", ".css", ".html", ".svg"}):
        source = MARKUP_COMMENT.sub("", JS_COMMENT.sub("", path.read_text("utf-8")))
        breaches += [f"{path.relative_to(ROOT)}: {match.group()}…" for match in OUTSIDE.finditer(source)]
    assert_none(breaches)


def test_the_shell_has_no_inline_script_or_style() -> None:
    shell = MARKUP_COMMENT.sub("", (ASSETS / "index.html").read_text("utf-8"))
    assert (
        re.findall(r"<script(?![^>]*\ssrc=)[^>]*>|<style\b|\sstyle=|\son[a-z]+=", shell, re.IGNORECASE) == []
    )


def test_the_guard_sees_a_breach_of_each_kind() -> None:
    sources = {
        "chatbox.model": "from chatbox import errors",
        "chatbox.errors": "",
        "chatbox.rules.names": "import time\nfrom chatbox.chat import rooms",
        "chatbox.chat.rooms": "def late():\n    import tornado.web\n    from chatbox.live.hub import Hub",
        "chatbox.live.hub": "",
        "chatbox.lan.qr": "import chatbox.web.base",
        "chatbox.web.base": "import chatbox.lan.qr\nimport tornado.web",
        "chatbox.helpers": "",
    }
    breaches = list(breaches_of_floors(sources))
    assert [breach.split(" imports ")[0].split(" (")[0].split(" has ")[0] for breach in breaches] == [
        "chatbox.model",
        "chatbox.rules.names",
        "chatbox.lan.qr",
        "chatbox.web.base",
        "chatbox.helpers",
    ]
    assert list(breaches_of_owners(sources)) == [
        f"chatbox.chat.rooms imports tornado: only {', '.join(TORNADO)} may"
    ]
    assert list(breaches_of_purity(sources)) == ["chatbox.rules.names is pure and imports time"]
    assert circle(own_imports(sources)) == ["chatbox.lan.qr", "chatbox.web.base", "chatbox.lan.qr"]


def test_the_guard_sees_a_breach_of_each_kind_in_the_client() -> None:
    sources = {
        "model/rooms.js": 'import { send } from "../net/socket.js"; document.title = "";',
        "net/socket.js": 'import "https://example.org/x.js"; const later = import("./socket.js");',
        "views/rooms.js": "class Rows { fetch(way) {} } fetch('/x'); row.innerHTML = text;",
        "widgets/x.js": "",
    }
    assert len(list(breaches_of_js_floors(sources))) == 3
    assert matches(JS_DOCUMENT, sources, JS_WITHOUT_DOM) == ["model/rooms.js: document"]
    assert matches(JS_REQUEST, sources, ["views"]) == ["views/rooms.js: fetch("]
    assert matches(JS_MARKUP, sources) == ["views/rooms.js: innerHTML"]
    assert OUTSIDE.search('url("//fonts.example/x")')
    assert OUTSIDE.search("src=https://a.example")
    assert not OUTSIDE.search('xmlns="http://www.w3.org/2000/svg"')
    assert not OUTSIDE.search("`http://${host}`")
