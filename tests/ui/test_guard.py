"""Whom the page's server refuses."""

import json
import socket
from urllib.parse import quote

import pytest

from reggan_plugin.ui import server

from .conftest import Caller, running_page, studio_of


@pytest.fixture(scope="module")
def page():  # type: ignore[no-untyped-def]
    with running_page(studio_of(most_file_bytes=2000, most_bytes=3000)) as caller:
        yield caller


def test_the_page_itself_is_served_with_its_policy(page: Caller) -> None:
    status, content, headers = page.call("GET", "", headers={"Origin": ""})
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b'src="page.js"' in content
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("prefix", ["/", "/wrong/", "//", "/%2e%2e/"])
def test_without_the_token_nothing_is_told(page: Caller, prefix: str) -> None:
    for path in ("", "state", "page.js", "frame?file=0"):
        status, content, _ = page.call("GET", path, prefix=prefix)
        assert status == 403
        assert b"Open the address that reggan-plugin ui printed" in content
    status, _, _ = page.call("PUT", "upload?drop=a&name=a.png", b"x", prefix=prefix)
    assert status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://localhost.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},  # another port of this machine
        {"Host": "evil.example"},  # a name that resolves to 127.0.0.1
        {"Host": "127.0.0.1"},
        {"Host": ""},
    ],
)
def test_other_sites_are_refused(page: Caller, headers: dict[str, str]) -> None:
    for method, path in (("GET", "state"), ("GET", ""), ("POST", "sample"), ("OPTIONS", "state")):
        status, content, answered = page.call(method, path, {"name": "toon"}, headers)
        assert status in (403, 400)  # 400: h11 itself refuses a request without Host
        assert b"model" not in content
        assert "access-control-allow-origin" not in answered
    assert page.studio.files.shots == ()


def test_a_change_without_an_origin_is_refused(page: Caller) -> None:
    status, _, _ = page.call("POST", "sample", {"name": "toon"}, {"Origin": ""})
    assert status == 403
    assert page.studio.files.shots == ()


def test_two_origins_or_hosts_are_refused(page: Caller) -> None:
    origin = f"Origin: http://{page.host}\r\nOrigin: http://evil.example\r\n"
    for lines in (f"Host: {page.host}\r\n{origin}", f"Host: {page.host}\r\nHost: evil.example\r\n"):
        with socket.create_connection(("127.0.0.1", page.port), timeout=10) as connection:
            request = f"GET {page.prefix}state HTTP/1.1\r\n{lines}Connection: close\r\n\r\n"
            connection.sendall(request.encode())
            answer = connection.makefile("rb").read()
        assert answer.split(b" ")[1] in (b"403", b"400")
        assert b'"model"' not in answer


def test_it_listens_on_the_loopback_alone(page: Caller) -> None:
    address = socket.gethostbyname(socket.gethostname())
    if address.startswith("127."):
        pytest.skip("this machine has no other address")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address, page.port), timeout=5).close()


@pytest.mark.parametrize(
    "path",
    ["../routes.py", "%2e%2e/routes.py", "..%2froutes.py", "/etc/passwd", "%2fetc%2fpasswd", "."],
)
def test_no_other_file_is_served(page: Caller, path: str) -> None:
    status, content, _ = page.call("GET", path)
    assert status == 404
    assert b"import" not in content
    assert b"root:" not in content


@pytest.mark.parametrize("file", ["../../etc/passwd", "0/../1", "-1", "99", "1e9", "٣", ""])
def test_files_are_numbers_of_what_is_open(page: Caller, file: str) -> None:
    status, content, _ = page.call("GET", f"frame?file={quote(file, safe='')}")
    assert status == 400
    assert "Load the page again" in json.loads(content)["message"]


@pytest.mark.parametrize("name", ["/etc", "../avatar_png", "avatar_png/..", ""])
def test_samples_are_names_of_a_list(page: Caller, name: str) -> None:
    status, content = page.post("sample", name=name)
    assert status == 400
    assert "is no sample" in json.loads(content)["message"]


@pytest.mark.parametrize(
    ("name", "drop"),
    [
        ("../a.png", "d"),
        ("..\\a.png", "d"),
        ("/tmp/a.png", "d"),
        ("C:a.png", "d"),
        (".a.png", "d"),
        ("a\0.png", "d"),
        ("a\n.png", "d"),
        ("x" * 250 + ".png", "d"),
        ("a.png", "../d"),
        ("a.png", ""),
        ("a.svg", "d"),
        ("a.py", "d"),
    ],
)
def test_uploads_take_plain_names_of_pictures(page: Caller, name: str, drop: str) -> None:
    path = f"upload?name={quote(name, safe='')}&drop={quote(drop, safe='')}"
    status, content, _ = page.call("PUT", path, b"x")
    assert status == 400
    message = json.loads(content)["message"]
    advice = ("Rename the file", "Export it as one", "Load the page again")
    assert any(words in message for words in advice)


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["a.mp4", "b.png"], "a.mp4 came with other files"),
        (["a.mp4", "b.mov"], "a.mp4, b.mov came with other files"),
        (["a.glb", "b.vrm"], "a.glb, b.vrm came with other files"),
    ],
)
def test_what_is_not_opened_together_is_not_left_out_in_silence(
    page: Caller, names: list[str], found: str
) -> None:
    drop = "".join(names).replace(".", "")
    for name in names:
        assert page.call("PUT", f"upload?name={name}&drop={drop}", b"x")[0] == 200
    status, answer = page.post("opened", drop=drop)
    assert status == 400
    assert json.loads(answer)["message"].startswith(found)


def test_two_files_of_one_name_do_not_replace_each_other(page: Caller) -> None:
    first, second = (
        page.call("PUT", "upload?name=a.1.png&drop=two", body) for body in (b"x", b"y")
    )
    assert first[0] == 200
    assert (second[0], b"are called a.1.png" in second[1]) == (400, True)


def test_an_upload_that_is_too_large_is_refused_before_it_is_kept(page: Caller) -> None:
    for headers in ({}, {"Transfer-Encoding": "chunked", "Content-Length": ""}):
        body = b"x" * 2001
        if headers:
            body = b"7d1\r\n" + body + b"\r\n0\r\n\r\n"
        status, content, _ = page.call("PUT", "upload?name=a.png&drop=d", body, headers)
        assert status == 422
        assert json.loads(content)["kind"] == "too-large"
    status, _ = page.post("opened", drop="d")
    assert status in (400, 422)


def test_all_uploads_together_have_an_end(page: Caller) -> None:
    answers = [page.call("PUT", f"upload?name={n}.png&drop=many", b"x" * 900)[0] for n in range(4)]
    assert answers[0] == 200
    assert answers[-1] == 422


@pytest.mark.parametrize("body", [b"[]", b"{", b'"a"', b"\xff", b"[" * 5000, b"x" * 70_000])
def test_what_is_no_request_is_refused(page: Caller, body: bytes) -> None:
    for path in ("change", "save", "words", "sample", "thumbnail", "preset", "opened"):
        status, content, _ = page.call("POST", path, body)
        assert status in (400, 422)
        assert json.loads(content)["message"]


def test_a_port_is_free_while_connections_of_an_earlier_page_fade() -> None:
    with server._listening_socket(0) as listening:
        port = listening.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as browser:
            listening.accept()[0].close()  # the page ends first, so its side waits
            assert browser.recv(1) == b""
    server._listening_socket(port).close()
