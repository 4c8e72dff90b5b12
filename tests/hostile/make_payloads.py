"""Makes payloads.jsonl: texts that break out of nginx configuration, YAML, shells, names and terminals.

One JSON object a line: `text`, or `hex` for what is not UTF-8; `times` repeats it.
    python tests/hostile/make_payloads.py > tests/hostile/payloads.jsonl
"""

import json
from collections.abc import Iterator

NGINX = [";", "{", "}", "#", '"', "'", "\\", "$", "\n", "\r\n", "};", ";}", '";', "';", "\\\n", "${", "$host", "${host}"]
NGINX_WORDS = [
    "nim.example.com; return 200 x", "nim.example.com;}server{listen 81;}", "x; include /etc/passwd;", "x{}",
    "~^(.*)$", "~*x", "*.example.com", ".example.com", "nim.*", "_", "$host.example.com", "${ssl_client_verify}",
    "unix:/tmp/x.sock", "data:;base64,AA", "engine:x:y", "syslog:server=1.2.3.4", "on", "off", "default", "none",
    "nim.example.com default_server", 'a" b "c', "a' b 'c", "a\\\" b", "# a", "a #b", "a\\", "a\\\\", "x\n}\nserver {\n",
]  # fmt: skip
YAML = [
    ": ", "- ", "a: b", "- a", "&a", "*a", "&a b", "!!binary x", "!!python/object:os.system", "!a", "|", ">", "|-\n x",
    "%YAML 1.2", "%", "\t", "a\tb", "?", "? a", "[", "]", "[a", "{a: b}", "{a", ",", "a, b", "@a", "`a`", "---", "...",
    "--- a", "~", "null", "Null", "NULL", "yes", "no", "Yes", "true", "false", "True", "y", "n", "on", "off", "0", "1",
    "-1", "+1", "0x1F", "0x", "0o17", "0b1", "017", "1_000", "1e3", "1.5", ".5", ".inf", "-.inf", ".nan", "NaN", "inf",
    "1:30", "12:30:45", "2026-01-01", "2026-01-01T00:00:00Z", "<<", "=", "<<: *a", "a #b", "#a", "a:", ":a", "a: ",
    "'", "''", "'a", '"', '"a', "\\", "\\x41", "\\u0041", "a\n b", "a\n\nb", "a\n- b", "a\nrole: ca", "version: 1", "&a [*a]",
]  # fmt: skip
SHELL = [
    "`id`", "$(id)", "${IFS}", "$HOME", "a;id", "a|id", "a||id", "a&&id", "a&", "a>b", "a<b", "a>>b", "<(id)", "(id)",
    "{a,b}", "*", "?", "[a]", "[!a]", "~", "~root", "!!", "!id", "a!b", "^a^b", "a b", " a", "a ", "  ", "\\a", "a\\ b",
    "'a'", "'; id; '", '"; id; "', "$'\\n'", "a=b", "-a", "--", "--help", "-oProxyCommand=id", "-rf", "--yes", "@a",
    "root@a", "a@b", "a:b", "a:/b", "#a", "a#b", "%1", "%n%n%n%n", "%s%s%s", "\\$(id)", "$((1))", "\nid\n", "a\nid", "$0",
]  # fmt: skip
SYSTEMD = ["%i", "%n", "%h", "%%", "%H.example", "a%i", "@/bin/x", "-/bin/x", "+/bin/x", "!/bin/x", ":/bin/x", "\\x2d"]
NAMES = [
    ",O=Evil", "a,CN=b", "a+CN=b", 'a"b', "a<b>", "a;CN=b", "/CN=x", "a/CN=b", "CN=x", "a=b", "#04024869", "\\2C",
    "\\,", "a\\,CN=b", "a\\+b", " a", "a ", "#a", "DNS:a", "DNS:a,DNS:b", "IP:1.2.3.4", "email:a@b", "URI:http://x",
    "a\x00b", "nim.example.com\x00.evil.example", "critical,CA:TRUE", "@section", "$ENV::HOME", "US", "us", "USA", "U",
    "U\x00", "ÜS", "Example, Inc.", "O'Brien & Söhne", "株式会社", "Ἑλλάς", "مثال", "עברית", "😀", "e\u0301", "A" * 64,
    "A" * 65, "ü" * 64, "ü" * 65,
]  # fmt: skip
HOSTS = [
    "nim.example.com", "NIM.Example.COM", "nim.example.com.", ".nim", "nim.", "a..b", "-a", "a-", "a.-b", "a-.b", "a_b",
    "a--b", "xn--a", "xn--", "xn--bcher-kva.example", "xn--0", "a." * 127 + "a", "a." * 126 + "a", "a" * 63, "a" * 64,
    "bücher.example", "BÜCHER.example", "straße.example", "faß.de", "аpple.com", "gооgle.com", "ｎｉｍ.example",
    "nim。example", "nim．example", "nim｡example", "ﬀ.example", "ⓝⓘⓜ.example", "№.example", "½.example", "①.example",
    "İ.example", "ı.example", "ſ.example", "K.example", "ni\u00adm.example", "ni\u200bm.example", "ni\u200dm.example",
    "ni\u2060m.example", "\ufeffnim.example", "nim\u0338.example", "≠.example", "a\u2044b", "℀.example", "a／b", "a＠b",
    "a：b", "a；b", "＂", "＇", "a＃b", "a％00", "１２７.0.0.1", "127.0.0.1", "127.1", "0x7f.1", "0x7f000001", "0177.0.0.1",
    "2130706433", "::1", "[::1]", "fe80::1%eth0", "::ffff:1.2.3.4", "1.2.3.4/8", "10.0.0.5:443", "nim:443", "http://nim/",
    "localhost", "local", "example", "com", "1.2.3.4.", "256.1.1.1", "999", "1.2.3.4.5", "a.1", "a.0x1", "١٢٣", "a.١",
    "com1", "nul", "con", "0", "00", "a.b.c.d.e.f.g", "in-addr.arpa", "1.0.0.127.in-addr.arpa", "ca", "root", "runs", "lock",
]  # fmt: skip
PATHS = [
    "..", "../..", "../../etc/passwd", "/../etc", "/a/../b", "/etc/..", "./a", ".", "/", "//", "/.", "/a//b", "/a/./b",
    "/a b", "/a\tb", "/a\nb", "/a;b", "/a$b", "/a*b", "/a?b", "/a[b]", "/a{b}", "/a'b", '/a"b', "/a\\b", "/a`b`", "/a|b",
    "/a&b", "/a<b", "/a>b", "/a(b)", "/a#b", "/a!b", "/~", "~/a", "/a~b", "/-rf", "/a=b", "/a:b", "/a,b", "/a%ib", "/a+b",
    "/a@b", "/a^b", "/\u202egpj", "/a\u200bb", "/é", "/" + "a" * 255, "/" + "a/" * 1999, "/" + "a" * 4001, "/dev/null",
    "/dev/zero", "/proc/self/mem", "/proc/self/environ", "/root/ca.pass", "file:///a", "a/b", "C:\\a", "\\\\a\\b", "-a", "/a\x00b",
]  # fmt: skip
SEQUENCES = [
    "\x1b[2J", "\x1b[31m", "\x1b]0;x\x07", "\x1b]52;c;eA==\x07", "\x1bc", "\x1b(0", "\x1bP1$r\x1b\\", "\x1b[6n", "\x1b[?1049h",
    "\x9b31m", "\x9d0;x\x9c", "\x90x\x9c", "\x1b]8;;http://x\x1b\\", "\x1b[200~x\x1b[201~", "\x0e", "\x0f", "\b\b\b", "a\rb",
    "\x07", "\v", "\f", "\x7f", "\x85", "\u2028", "\u2029", "\r\n", "\n", "\r", "\t", "a\x1b[1A\x1b[2Kb", "\x1b[8m", "\x1b#8",
]  # fmt: skip
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
INVISIBLE = "\u00ad\u034f\u115f\u17b4\u180e\u200b\u200c\u200d\u2060\u2061\u2064\u206a\u206f\u3164\ufe0f\ufeff\uffa0\ufff9\ufffb\ufffd\U000e0001\U000e0041\U000e0100\ue000\U0010ffff"
BYTES = ["ff", "fe", "c0af", "c080", "eda080", "f4908080", "80", "c3", "e282", "f09f98", "61ff62", "fffe6100", "feff0061", "00ff"]
LONG = [("a", 65536), ("a.", 32768), ("/a", 32768), ("é", 32768), ("\u202e", 21845), ("'", 65536), ("\\", 65536), ("[", 65536),
        ("{", 65536), ("- ", 32768), ("? ", 32768), ("\n", 65536), ("\x1b[2J", 16384), ("9", 65536), ("$", 65536), ("a", 1 << 20), ("é", 1 << 19),
        ("/", 1 << 20), ("&a ", 20000)]  # fmt: skip


def controls() -> Iterator[str]:
    """Each control character alone and inside a name that would do without it."""
    for code in [*range(0x20), *range(0x7F, 0xA0)]:
        yield chr(code)
        yield f"nim{chr(code)}x.example"


def texts() -> Iterator[str]:
    yield ""
    for breaker in NGINX + SHELL[:20]:
        yield f"nim.example.com{breaker}"
        yield f"{breaker}nim.example.com"
    yield from NGINX + NGINX_WORDS + YAML + SHELL + SYSTEMD + NAMES + HOSTS + PATHS + SEQUENCES
    yield from controls()
    for hidden in BIDI + INVISIBLE:
        yield from (hidden, f"a{hidden}b.example", f"/a{hidden}b")


def main() -> None:
    for text in dict.fromkeys(texts()):
        print(json.dumps({"text": text}))
    for code in BYTES:
        print(json.dumps({"hex": code}))
    for text, times in LONG:
        print(json.dumps({"text": text, "times": times}))


if __name__ == "__main__":
    main()
