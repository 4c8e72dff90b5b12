"""The harness itself: a test that believes it must first be shown wrong inputs."""

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import certs
import nim_tree
from clients import Attempt
from conftest import BUILDS, each_build_and
from lab import HERE, Lab, Nginx, leftovers, wait_for
from manager import Manager, both_services
from nim_tree import OLDER, PLAIN, SHAPES, TRAPPED, TRAPS, Shape

VENDOR = "manager-server"
NOBODY = Attempt(sni=VENDOR)


def test_nothing_of_a_lab_is_left_or_seen_outside(nginx: Nginx) -> None:
    mounts = Path("/proc/self/mountinfo").read_text()
    written = [f"{folder}/lab-was-here" for folder in ("/etc", "/run", "/var/lib", "/var/log", "/var/www", "/mnt")]
    written.append("/usr/local/share/ca-certificates/lab-was-here")
    with Lab(nginx) as lab:
        namespace = os.readlink(f"/proc/{lab.pid}/ns/pid")
        sleeper = lab.spawn("sleep", "600")
        for path in written:
            lab.write(path, "")
        wait_for(lambda: len(leftovers(namespace)) == 2, "both processes of the lab")
        assert not [path for path in written if Path(path).exists()]
    sleeper.communicate()
    assert leftovers(namespace) == []
    assert Path("/proc/self/mountinfo").read_text() == mounts


def test_a_lab_dies_with_the_run_that_made_it() -> None:
    # Killed the hard way, so that no cleaning up of its own can run.
    program = """if True:
        import lab, os, sys
        made = lab.Lab(lab.Nginx("distribution", ()))
        print(os.readlink(f"/proc/{made.pid}/ns/pid"), flush=True)
        sys.stdin.read()
    """
    run = subprocess.Popen(
        [sys.executable, "-c", program], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    namespace = run.stdout.readline().strip()
    assert leftovers(namespace)
    run.kill()
    run.communicate()
    wait_for(lambda: not leftovers(namespace), "the end of the lab")


@each_build_and(SHAPES + TRAPPED)
def test_every_tree_loads(make_manager: Callable[[Nginx, Shape], Manager], nginx: Nginx, shape: Shape) -> None:
    manager = make_manager(nginx, shape)
    tested = manager.test_config()
    assert tested.returncode == 0, tested.stderr
    assert "conflicting" not in tested.stderr
    shown = manager.run("nginx", "-v").stderr
    assert ".".join(map(str, nginx.version)) in shown


def test_shapes_are_what_they_say() -> None:
    text = {shape.label: nim_tree.nms_http(shape) for shape in SHAPES}
    assert "ssl_verify_client      off;" in text["2.22"] and "# ssl_client_certificate" in text["2.22"]
    assert "    ssl_client_certificate" in text["2.21"] and "optional;" in text["2.21"]
    assert "\n    " not in text["tabs"] and "\n\t\t" in text["tabs"]
    assert text["crlf"].count("\r\n") == text["crlf"].count("\n") > 100
    assert "http2 on;" in text["http2-on"] and "listen 443 ssl;" in text["http2-on"]
    assert "listen [::]:443 ssl http2;" in text["ipv6"]
    assert "# }" in text["brace-comments"]
    assert "grpc_pass grpc://dpm-grpc-service" not in text["included"]
    for label, each in text.items():
        assert "@" not in each.replace("@signed_out", ""), label


def test_the_package_database_answers(make_manager: Callable[[Nginx, Shape], Manager], nginx: Nginx) -> None:
    for shape in (PLAIN, OLDER):
        manager = make_manager(nginx, shape)
        shown = manager.run("dpkg-query", "-W", "-f=${db:Status-Abbrev}${Version}", "nms-instance-manager").stdout
        assert shown.startswith(f"ii {shape.release}"), shown


@each_build_and([PLAIN, OLDER])
def test_without_mtls_everybody_gets_through(manager: Manager) -> None:
    ca = manager.carry(manager.work / "vendor-ca.pem")
    ways = [dataclasses.replace(NOBODY, client=client, ca=ca) for client in ("grpcio", "h2", "http1")]
    outcomes = manager.attempt(each for way in ways for each in both_services(way))
    assert all(outcome.reached for outcome in outcomes), "\n".join(map(str, outcomes))
    sockets = {call["service"]: call["socket"] for call in manager.call_log()}
    assert sockets == {
        "f5.nginx.agent.sdk.Commander": "/var/run/nms/am.sock",
        "f5.nginx.agent.sdk.MetricsService": "/var/run/nms/ingestion.sock",
    }


@each_build_and([Shape("vendor")])
def test_the_vendors_way_refuses_where_no_trap_lies(manager: Manager) -> None:
    nim_tree.follow_vendor(manager)
    manager.restart_tree()
    ca = certs.Pair(manager.work / "vendor-ca.pem", manager.work / "vendor-ca.key")
    agent = certs.issue(manager.work, ca, "web-1.example.com", "clientAuth")
    known = dataclasses.replace(NOBODY, cert=manager.carry(agent.cert), key=manager.carry(agent.key))
    with_certificate, without = manager.attempt([known, NOBODY])
    assert with_certificate.reached and not without.reached, f"{with_certificate}\n{without}"


@each_build_and([shape for shape in TRAPPED if shape.trap in TRAPS])
def test_the_traps_trap(manager: Manager) -> None:
    nim_tree.follow_vendor(manager)
    manager.restart_tree()
    (outcome,) = manager.attempt([NOBODY])
    assert outcome.reached, outcome


@each_build_and([shape for shape in TRAPPED if shape.trap == nim_tree.SECOND_SERVER])
def test_a_forgotten_server_is_a_way_round(manager: Manager) -> None:
    nim_tree.follow_vendor(manager)
    manager.restart_tree()
    gate, way_round = manager.attempt([NOBODY, dataclasses.replace(NOBODY, sni="agents.example.com")])
    assert way_round.reached and not gate.reached, f"{gate}\n{way_round}"


def test_an_answer_of_the_rate_limit_is_no_decision(make_manager: Callable[..., Manager], nginx: Nginx) -> None:
    manager = make_manager(nginx, PLAIN)
    manager.start()
    outcomes = manager.attempt([NOBODY] * 14, one_source=True)
    assert all(outcome.reached for outcome in outcomes), "\n".join(map(str, outcomes))
    limited = manager.run("grep", "-c", "limiting requests", "/var/log/nginx/error.log", check=False).stdout
    assert int(limited) > 0, "the limit was never met, so nothing was shown"


@each_build_and([PLAIN])
def test_a_stream_outlives_a_reload(manager: Manager) -> None:
    nobody = dataclasses.replace(NOBODY, ca=str(manager.work / "vendor-ca.pem"))
    stream = manager.hold("stream", nobody)
    assert stream.report()["flowing"]
    nim_tree.follow_vendor(manager)
    manager.restart_tree()
    assert manager.old_workers()
    assert stream.report()["flowing"]
    manager.run("kill", *map(str, manager.old_workers()))
    wait_for(lambda: not manager.old_workers(), "the end of the old worker")
    assert not stream.report()["flowing"]


@each_build_and([OLDER])
def test_a_saved_session_is_resumed(manager: Manager) -> None:
    session = manager.hold("session", NOBODY)
    told = session.report()
    assert told["resumed"] and told["first"]["http"] == 200, told
    assert [call["attempt"] for call in manager.call_log()] == [session.marker] * 2


def test_the_two_builds_take_different_forms_of_http2() -> None:
    assert [build.has_http2_directive for build in BUILDS][-1]
    assert BUILDS[0].version < BUILDS[1].version
