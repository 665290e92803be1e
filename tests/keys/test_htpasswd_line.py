import subprocess

import bcrypt
import pytest

from wizard import keys

from .conftest import Refuses


def openssl_passwd(option: str) -> str:
    """A hash of the scheme, by the program the checklist's readers would use."""
    return subprocess.run(
        ["openssl", "passwd", option, "-stdin"], input="tester\n", text=True, capture_output=True, check=True
    ).stdout.strip()


def perl_crypt(setting: str) -> str:
    program = "chomp(my $s = <STDIN>); print crypt('tester', $s)"
    return subprocess.run(
        ["perl", "-e", program], input=setting + "\n", text=True, capture_output=True, check=True
    ).stdout


@pytest.mark.parametrize("ending", ["", "\n"], ids=["bare", "newline"])
@pytest.mark.parametrize("scheme", ["1", "5", "6", "apr1"])
def test_the_schemes_of_openssl_are_known(scheme: str, ending: str) -> None:
    line = f"admin:{openssl_passwd('-' + scheme)}{ending}"
    assert keys.htpasswd_line(line) == keys.HtpasswdLine("admin", scheme, None)


@pytest.mark.parametrize("setting", ["$y$j9T$abcdefgh", "$6$rounds=5000$abcdefgh", "$5$rounds=5000$abcdefgh"])
def test_the_schemes_of_libcrypt_are_known(setting: str) -> None:
    assert keys.htpasswd_line(f"admin:{perl_crypt(setting)}").scheme == setting.split("$")[1]


@pytest.mark.parametrize("prefix", ["2a", "2b", "2y"])
def test_the_cost_of_bcrypt_is_told(prefix: str) -> None:
    digest = bcrypt.hashpw(b"tester", bcrypt.gensalt(5)).decode().replace("$2b$", f"${prefix}$")
    assert keys.htpasswd_line(f"li.admin:{digest}") == keys.HtpasswdLine("li.admin", prefix, 5)


@pytest.mark.parametrize(
    ("digest", "scheme"),
    [
        ("{SHA}q1wLEXNlE5T9V5I6WTB5tD9nOp0=", "SHA"),
        ("{SSHA}q1wLEXNlE5T9V5I6WTB5tD9nOp1zYWx0", "SSHA"),
        ("{PLAIN}tester", "PLAIN"),
    ],
)
def test_the_schemes_of_nginx_itself_are_known(digest: str, scheme: str) -> None:
    assert keys.htpasswd_line(f"admin:{digest}") == keys.HtpasswdLine("admin", scheme, None)


HASH = "$2y$10$" + "abcdefghijklmnopqrstuv" + "W" * 31


@pytest.mark.parametrize(
    ("text", "saying"),
    [
        pytest.param("", "has no user name", id="empty"),
        pytest.param("admin", "has no user name", id="no-colon"),
        pytest.param(f":{HASH}", "has no user name", id="no-user"),
        pytest.param(f"# admin:{HASH}", "has no user name", id="comment"),
        pytest.param(f"# Replace\nadmin:{HASH}\n", "exactly one line", id="comment-before"),
        pytest.param(f"admin:{HASH}\nother:{HASH}\n", "exactly one line", id="two-users"),
        pytest.param("admin:", "no hash that nginx knows", id="no-hash"),
        pytest.param("admin:correct-horse-battery-staple", "no hash that nginx knows", id="plain-text"),
        pytest.param("admin:CHANGEME_GENERATE_HTPASSWD", "no hash that nginx knows", id="placeholder"),
        pytest.param(f"admin:{HASH[:-1]}", "no hash that nginx knows", id="cut-off"),
        pytest.param(f"admin:{HASH}\r\n", "no hash that nginx knows", id="crlf"),
        pytest.param(f"admin:{HASH.replace('$10$', '$99$')}", "no hash that nginx knows", id="impossible-cost"),
        pytest.param(f"admin:{HASH.replace('2y', '2z')}", "no hash that nginx knows", id="unknown-scheme"),
    ],
)
def test_a_line_that_lets_nobody_in_is_refused(text: str, saying: str, refuses: Refuses) -> None:
    refuses(lambda: keys.htpasswd_line(text), saying, text)
