"""On a folder (--root): everything happens below it, and nothing on the machine around."""

import json
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT

ANSWERS = ROOT / "assets" / "sample-answers.yaml"
STATE = "var/lib/nim-tls"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the sample host."""
    root = tmp_path / "root"
    subprocess.run(["cp", "-a", str(ROOT / "assets" / "sample-host"), str(root)], check=True)
    return root


def contents(root: Path) -> dict[str, tuple]:
    """All but our own state, as it is on disk."""
    found = {}
    for path in root.rglob("*"):
        inside = str(path.relative_to(root))
        if inside == STATE or inside.startswith(f"{STATE}/"):
            continue
        seen = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found[inside] = (oct(seen.st_mode), seen.st_uid, seen.st_gid, content)
    return found


def run(binary: Path, root: Path, *argv: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [*before, str(binary), *argv, "--root", str(root), "--format", "json"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False)


def test_apply_and_back(binary: Path, tree: Path, tmp_path: Path) -> None:
    before = contents(tree)
    trace = tmp_path / "trace"
    calls = "trace=openat,openat2,mkdir,mkdirat,rename,renameat,renameat2,symlink,symlinkat,unlink,unlinkat"
    tracer = ("strace", "-f", "--seccomp-bpf", "-y", "-s", "256", "-e", calls, "-o", str(trace))

    done = run(binary, tree, "apply", "--answers", str(ANSWERS), "--yes", before=tracer)

    assert done.returncode == 0, done
    document = json.loads(done.stdout)
    assert document["outcome"] == "applied", document
    skipped = {one["step"]: one["why"] for one in document["skipped"]}
    assert set(skipped) == {"test", "trust", "reload", "end-old-workers", "prove"}, skipped
    assert all("--root" in why for why in skipped.values()), skipped
    assert (tree / "usr/local/share/ca-certificates/nim-tls-root.crt").is_file()
    assert (tree / "usr").stat().st_mode & 0o7777 == 0o755
    assert outside(trace.read_text(), tree) == []

    (line,) = json.loads(run(binary, tree, "history").stdout)["runs"]
    assert line["outcome"] == "applied" and line["run"] == document["run"], line
    assert json.loads(run(binary, tree, "watch").stdout)["outcome"] == "applied"
    again = run(binary, tree, "apply", "--answers", str(ANSWERS), "--yes")
    assert again.returncode == 0 and json.loads(again.stdout)["outcome"] == "unchanged", again
    assert run(binary, tree, "check").returncode == 0

    back = run(binary, tree, "rollback", "--yes", before=tracer)

    assert back.returncode == 0 and json.loads(back.stdout)["outcome"] == "rolled-back", back
    assert outside(trace.read_text(), tree) == []
    assert contents(tree) == before
    assert [one["outcome"] for one in json.loads(run(binary, tree, "history").stdout)["runs"]] == ["rolled-back"] * 2


def outside(trace: str, tree: Path) -> list[str]:
    """Calls that succeeded in changing something that does not lie below the tree."""
    changing = [line for line in trace.splitlines() if "openat" not in line or "O_CREAT" in line or "O_WRONLY" in line]
    changing = [line for line in changing if " = -1 " not in line and "resumed" not in line and "(" in line]
    return [line for line in changing if str(tree) not in line and "/dev/" not in line and "/proc/" not in line]


def test_after_a_start_that_failed_all_agree(binary: Path, tree: Path, tmp_path: Path) -> None:
    before = contents(tree)
    # The program was deleted while it runs, and the kernel keeps the last way to start it once more.
    copy = tmp_path / "nim-tls"
    subprocess.run(["cp", str(binary), str(copy)], check=True)
    deleted = ("bash", "-c", 'exec 9<"$1"; rm "$1"; shift; exec /proc/self/fd/9 "$@"', "bash")
    refusing = ("strace", "-f", "-P", "/proc/self/exe", "-e", "inject=execve:error=EACCES", "-o", "/dev/null")
    done = run(copy, tree, "apply", "--answers", str(ANSWERS), "--yes", before=(*refusing, *deleted))
    assert done.returncode == 1 and "the worker could not be started" in done.stderr, done

    (line,) = json.loads(run(binary, tree, "history").stdout)["runs"]
    assert line["outcome"] == "refused" and line["started"], line
    watched = run(binary, tree, "watch")
    assert watched.returncode == 1 and "could not be started" in watched.stderr, watched
    checks = {one["id"]: one["status"] for one in json.loads(run(binary, tree, "check").stdout)["checks"]}
    assert checks["unfinished"] == "ok", checks
    back = run(binary, tree, "rollback", "--yes")
    assert back.returncode == 1 and "no run of this host is left" in back.stderr, back
    assert contents(tree) == before


def test_a_program_that_was_replaced_while_it_runs_still_starts_its_worker(
    binary: Path, tree: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "nim-tls"
    subprocess.run(["cp", str(binary), str(copy)], check=True)
    deleted = ("bash", "-c", 'exec 9<"$1"; rm "$1"; shift; exec /proc/self/fd/9 "$@"', "bash")
    done = run(copy, tree, "apply", "--answers", str(ANSWERS), "--yes", before=deleted)
    assert done.returncode == 0 and json.loads(done.stdout)["outcome"] == "applied", done


def test_what_helps_is_told_with_the_names_of_the_machine_around(binary: Path, tree: Path) -> None:
    """Red where a remedy, pasted, acts on the machine around: without `Outward`, all of these."""
    web = tree / "etc/nginx/conf.d"
    web.chmod(0o777)
    refused = run(binary, tree, "plan", "--answers", str(ANSWERS))
    assert refused.returncode == 1 and refused.stderr.rstrip().endswith(f"do: chmod o-w {web}"), refused
    assert json.loads(refused.stdout)["problem"].endswith(f"do: chmod o-w {web}"), refused
    subprocess.run(remedy(refused.stderr), shell=True, check=True)
    assert web.stat().st_mode & 0o7777 == 0o775

    assert run(binary, tree, "apply", "--answers", str(ANSWERS), "--yes").returncode == 0
    file = tree / "etc/nms/certs/server.crt"
    twin = file.with_name("twin.crt")
    twin.hardlink_to(file)
    left = run(binary, tree, "rollback", "--yes")
    assert left.returncode == 1, left
    subprocess.run(remedy(left.stderr), shell=True, check=True)
    twin.unlink()
    assert run(binary, tree, "rollback", "--yes").returncode == 0

    nothing = run(binary, tree, "confirm")
    assert nothing.returncode == 1 and f"--root {tree}" in remedy(nothing.stderr), nothing


def remedy(told: str) -> str:
    return told.split("do: ", 1)[1].strip()
