"""Rules over C++ sources and CMake files: layering, includes, size, words. Each is a function of a Repository."""

import fnmatch
import os
import re

from repository import SERVICES, TOP_FOLDERS, Finding

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
MAIN_LIMIT_LINES = 120
FILE_LIMIT_LINES = 500

GRPC_OR_PROTOBUF = re.compile(r"^(grpc|grpcpp|google/protobuf)/|\.pb\.h$")
PQXX = re.compile(r"^pqxx(/|$)")
# Files whose work it is to speak gRPC and protobuf. Everything else in a service is domain.
RPC_FILES = re.compile(r"^(main|\w*service|\w*convert|\w*client|\w*_rpc|\w*_reactor|\w*_stream|\w*_test)\.(h|cc)$")
PQXX_FILES = re.compile(r"^pg_\w*\.(h|cc)$")
RPC_FOLDERS = re.compile(r"^(cli|tests|common/(rpc|app|testing)|[\w-]+/rpc)/")
PQXX_FOLDERS = re.compile(r"^(tests|common/(postgres|testing)|[\w-]+/pg_store)/")


def cpp(repository):
    return repository.with_suffix(".h", ".cc")


def includes(repository, path):
    """(line number, "<" or '"', included path) of each include."""
    for number, line in enumerate(repository.lines(path), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1), match.group(2)


def domain_purity(repository):
    """Domain files include no gRPC, no protobuf."""
    for path in cpp(repository):
        if RPC_FOLDERS.match(path) or RPC_FILES.match(os.path.basename(path)):
            continue
        for number, _, included in includes(repository, path):
            if GRPC_OR_PROTOBUF.search(included):
                yield Finding("domain_purity", path, number,
                              f"includes {included}: only rpc/, service, convert, client, main and test files may")


def pqxx_only_in_store(repository):
    """Only pg_store sees pqxx, besides common/postgres and common/testing."""
    for path in cpp(repository):
        if PQXX_FOLDERS.match(path) or PQXX_FILES.match(os.path.basename(path)):
            continue
        for number, _, included in includes(repository, path):
            if PQXX.search(included):
                yield Finding("pqxx_only_in_store", path, number, f"includes {included}: only pg_store may")


def main_length(repository):
    """A service's main wires and runs, in fewer than MAIN_LIMIT_LINES lines."""
    for path in [service + "/main.cc" for service in SERVICES if service + "/main.cc" in repository.paths]:
        count = len(repository.lines(path)) - 1
        if count >= MAIN_LIMIT_LINES:
            yield Finding("main_length", path, 0, f"{count} lines; a main has fewer than {MAIN_LIMIT_LINES}")


def sibling_service(repository):
    """Layers: common knows nobody, chain knows common, a service knows both and its peers only by their protos."""
    allowed = {"common": {"common"}, "chain": {"chain", "common"}}
    allowed.update({service: {service, "chain", "common"} for service in SERVICES})
    for path in cpp(repository):
        top = path.split("/")[0]
        if top not in allowed:
            continue
        for number, kind, included in includes(repository, path):
            target = included.split("/")[0]
            if kind == '"' and target in set(allowed) | {"cli"} and target not in allowed[top]:
                yield Finding("sibling_service", path, number, f"{top} includes {included}: it may not know {target}")


def include_style(repository):
    """Includes of this repository are whole paths from the root, and exist."""
    known = set(repository.paths)
    names = {os.path.basename(path) for path in known}
    for path in cpp(repository):
        for number, kind, included in includes(repository, path):
            problem = None
            if included.endswith(".pb.h") and not included.startswith("tokenwatch/"):
                # Generated from a proto of the tests: protoc puts it where the test's target says.
                stem = re.sub(r"(\.grpc)?\.pb\.h$", ".proto", included)
                if not any(("/" + known_path).endswith("/" + stem) for known_path in known) and not stem.startswith("google/"):
                    problem = f"there is no {stem} to generate it from"
            elif "/" not in included and kind == '"' and included in names:
                problem = "write the whole path from the root"
            elif ".." in included.split("/") or included.startswith("./"):
                problem = "no relative paths: write the whole path from the root"
            elif included.endswith(".pb.h"):
                proto = "protos/" + re.sub(r"(\.grpc)?\.pb\.h$", ".proto", included)
                if proto not in known:
                    problem = f"there is no {proto} to generate it from"
            elif included.split("/")[0] in TOP_FOLDERS and kind == "<":
                problem = "headers of this repository are included with quotes"
            elif included.split("/")[0] in TOP_FOLDERS and included not in known:
                problem = "no such file in this repository"
            if problem:
                yield Finding("include_style", path, number, f"{included}: {problem}")


def names_test(cmake, name):
    """Whether a CMakeLists.txt with this text makes a target of a test file, whose path is relative to it. It may name
    the file, or the file's subject where a loop appends `_test.cc`."""
    stem = re.escape(os.path.splitext(name)[0])
    if re.search(rf"(?<![\w/]){stem}(\.cc)?(?![\w/])", cmake):
        return True
    folder, base = os.path.split(name)
    subject = re.escape(base.removesuffix("_test.cc"))
    loop = re.escape(folder + "/" if folder else "") + r"\$\{\w+\}_test\.cc"
    return bool(re.search(rf"(?<![\w/]){loop}", cmake) and re.search(rf"(?<![\w/]){subject}(?![\w/])", cmake))


def test_registered(repository):
    """Every *_test.cc is a source of some target in a CMakeLists.txt of its folder or one above."""
    for path in repository.with_suffix("_test.cc"):
        folder = os.path.dirname(path)
        while True:
            cmake = os.path.join(folder, "CMakeLists.txt")
            if cmake in repository.paths and names_test(repository.text(cmake), os.path.relpath(path, folder or ".")):
                break
            if not folder:
                yield Finding("test_registered", path, 0, "no CMakeLists.txt names it: it would never run")
                break
            folder = os.path.dirname(folder)


# A package's API is read in one place, so .proto files are not split for their length.
LIMITED = (".h", ".cc", ".py", ".sh", ".sql", ".cmake", "CMakeLists.txt", "/dev")


def file_length(repository):
    """No file has more than FILE_LIMIT_LINES lines."""
    for path in repository.paths:
        if path.endswith(LIMITED) or path == "dev":
            count = len(repository.lines(path)) - 1
            if count > FILE_LIMIT_LINES:
                yield Finding("file_length", path, 0, f"{count} lines; {FILE_LIMIT_LINES} are the limit: split by subject")


# Put together here so that this line is not its own first finding.
MARKER = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK")) + r")\b")
MARKED = (".h", ".cc", ".py", ".sh", ".sql", ".cmake", ".proto", ".txt", ".md", ".yaml", ".yml")


def no_markers(repository):
    """Nothing is left for later in a comment."""
    for path in repository.paths:
        if not path.endswith(MARKED) or path.startswith("tests/fixtures/"):
            continue
        for number, line in enumerate(repository.lines(path), 1):
            match = MARKER.search(line)
            if match:
                yield Finding("no_markers", path, number, f"{match.group(1)}: do it, or open an issue")


# Words of the domain. `common` could serve any domain, so it knows none of them.
DOMAIN_WORDS = {"token", "mint", "launch", "trade", "wallet", "swap", "curve", "solana", "pump", "pumpfun", "pumpportal",
                "ethereum"}
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# The project's own name, and what the language and its libraries call things.
NEUTRAL = re.compile(r"tokenwatch|TOKENWATCH|Tokenwatch|std::swap|\bswap\(|stop_token|StopToken|get_token\(", re.ASCII)
ALLOWED_FILE = "tests/lint/common_words_allowed.txt"


def allowed_words(repository):
    """(glob of paths, regular expression) of each allowed use; the file explains its own format."""
    entries = []
    if ALLOWED_FILE in repository.paths:
        for line in repository.lines(ALLOWED_FILE):
            if line and not line.startswith("#"):
                glob, pattern, reason = line.split("\t")
                assert reason.strip(), f"{ALLOWED_FILE}: no reason for {pattern}"
                entries.append((glob, re.compile(pattern)))
    return entries


def common_words(repository):
    """`common` uses no word of the domain, not in comments either."""
    allowed = allowed_words(repository)
    for path in repository.paths:
        if not path.startswith("common/"):
            continue
        patterns = [pattern for glob, pattern in allowed if fnmatch.fnmatch(path, glob)] + [NEUTRAL]
        for number, line in enumerate(repository.lines(path), 1):
            for pattern in patterns:
                line = pattern.sub(" ", line)
            for word in WORD.findall(line):
                lower = word.lower()
                if lower in DOMAIN_WORDS or (lower.endswith("s") and lower[:-1] in DOMAIN_WORDS):
                    yield Finding("common_words", path, number,
                                  f'"{word}" is a word of the domain: say it in general terms, or allow it with a reason '
                                  f"in {ALLOWED_FILE}")


RULES = (domain_purity, pqxx_only_in_store, main_length, sibling_service, include_style, test_registered, file_length,
         no_markers, common_words)
