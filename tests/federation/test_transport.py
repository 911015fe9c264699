"""One way out, within limits (FEDERATION.md R21 to R26), against a peer that misbehaves."""

import ast
import gzip
import http.client
import ipaddress
import os
import socket
import subprocess
import sys
import textwrap
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from federation.hostile import PIECES, Reply, bomb, dripping_tls, hostile_peer, tls_contexts

from collab.federation import transport as module
from collab.federation.addresses import is_public
from collab.federation.post import Sent, Verdict
from collab.federation.transport import Answer, Transport, Unreachable
from collab.federation.wire import Connection

ROOT = Path(__file__).parents[2]


@pytest.fixture
def peer():
    with hostile_peer() as running:
        yield running


@pytest.fixture
def transport():
    made = Transport(allow_loopback=True, user_agent="collab-test")
    yield made
    made.close()


def reason(transport, url, *, method="GET", deadline=5.0, **options) -> str:
    with pytest.raises(Unreachable) as caught:
        transport.request(method, url, deadline=deadline, **options)
    return caught.value.reason


# --- R21: one client ------------------------------------------------------------------------


def imported(path: Path) -> set[str]:
    """The full names of all modules a file imports, and of what it takes from them."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


FORBIDDEN = ("requests", "httpx", "aiohttp", "urllib.request", "http.client", "urllib3", "pycurl")
WAY_OUT = {"transport.py", "wire.py"}


def test_r21_no_other_module_can_ask_another_host():
    offenders = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / "collab").rglob("*.py")
        if not (path.parent.name == "federation" and path.name in WAY_OUT)
        for name in imported(path)
        if any(name == client or name.startswith(client + ".") for client in FORBIDDEN)
    }
    assert offenders == set()


def test_r21_the_search_for_other_clients_finds_one(tmp_path):
    sample = tmp_path / "sample.py"
    sample.write_text("import urllib.request\nfrom urllib import request\nimport http.client as h")
    assert imported(sample) >= {"urllib.request", "http.client"}


# --- R22, R23: where to ---------------------------------------------------------------------

PUBLIC = [
    "1.1.1.1",
    "93.184.215.14",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:200::1",
    "2606:4700::1111",
    "2a00:1450::1",
    "3fff:1000::1",
    "::ffff:1.1.1.1",
]
SPECIAL = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.170",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.1.1",
    "192.175.48.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:1::1",
    "2001:10::1",
    "2001:20::1",
    "2001:1ff:ffff::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::",
    "2620:4f:8000::1",
    "3fff::1",
    "3fff:fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "",
    "localhost",
    "127.1",
    "0x7f000001",
    "1.1.1.1:443",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_r23_an_address_of_the_public_network_passes(address):
    assert is_public(address)


@pytest.mark.parametrize("address", SPECIAL)
def test_r23_a_special_address_is_refused(address):
    assert not is_public(address)


def test_r23_the_table_is_stricter_than_the_one_of_the_standard_library():
    passes_there = [a for a in SPECIAL if valid(a) and ipaddress.ip_address(a).is_global]
    assert "64:ff9b::7f00:1" in passes_there


def valid(address: str) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("address", [address for address in SPECIAL if valid(address)])
def test_r23_a_name_that_resolves_to_a_special_address_is_not_dialled(address):
    for allow_loopback in (False, True):
        asking = Transport(allow_loopback=allow_loopback, resolver=lambda _n, _p: [address])
        assert reason(asking, "https://inside.example/") == "forbidden"


def test_r22_one_special_address_among_public_ones_is_enough_to_refuse():
    for found in (["1.1.1.1", "127.0.0.1"], ["::1", "2606:4700::1111"], ["1.1.1.1", "nonsense"]):
        asking = Transport(resolver=lambda _n, _p, found=found: found)
        assert reason(asking, "https://mixed.example/") == "forbidden"


class Network:
    """Stands for the network: takes note of what is dialled and accepts no connection."""

    def __init__(self):
        self.dialled = []

    def __call__(self, family, _kind):
        self.family = family
        return self

    def connect(self, address):
        self.dialled.append((self.family, *address))
        raise ConnectionRefusedError

    def settimeout(self, _seconds):
        """No wait here."""

    def setsockopt(self, *_option):
        """No options here."""

    def close(self):
        """Nothing is open."""


def test_r22_a_name_is_resolved_once_and_what_was_checked_is_what_is_dialled(monkeypatch):
    network = Network()
    monkeypatch.setattr(module.socket, "socket", network)
    answers = [["1.1.1.1", "2606:4700::1111"], ["127.0.0.1"], ["127.0.0.1"]]
    asking = Transport(resolver=lambda _name, _port: answers.pop(0))
    assert reason(asking, "https://rebinding.example/") == "connect"
    assert network.dialled == [
        (socket.AF_INET, "1.1.1.1", 443),
        (socket.AF_INET6, "2606:4700::1111", 443),
    ]
    assert len(answers) == 2
    assert reason(asking, "https://rebinding.example/") == "forbidden"


def test_r22_of_many_addresses_only_a_few_are_tried(monkeypatch):
    network = Network()
    monkeypatch.setattr(module.socket, "socket", network)
    asking = Transport(resolver=lambda _n, _p: [f"1.1.1.{last}" for last in range(200)])
    assert reason(asking, "https://many.example/") == "connect"
    assert len(network.dialled) == 4


def test_r22_a_connection_never_opens_a_socket_by_itself():
    with pytest.raises(http.client.NotConnected):
        Connection("localhost", 1).request("GET", "/")


def test_a_name_without_address_is_told_apart():
    def unknown(_name, _port):
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    assert reason(Transport(resolver=unknown), "https://absent.example/") == "resolve"
    assert reason(Transport(resolver=lambda _n, _p: []), "https://absent.example/") == "resolve"


def test_the_systems_resolver_is_not_asked_for_what_is_no_host_name():
    def never(name, _port):
        raise AssertionError(f"asked for {name}")

    for url in (
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://2130706433/",
        "https://0x7f.0.0.1/",
        "https://localhost/",
        "https://user@inside.example/",
        "https://inside.example:8443/",
        "https://inside.example:22/",
        "https://inside.example\\@evil.example/",
        "http://inside.example/",
        "ftp://inside.example/",
        "file:///etc/passwd",
        "gopher://inside.example/",
        "//inside.example/",
        "nonsense",
        "",
        "https://inside.example/a b",
        "https://inside.example/\r\nX: 1",
    ):
        assert reason(Transport(resolver=never), url) == "address"


# --- R25: loopback only for tests, no proxies -----------------------------------------------


def test_r25_loopback_is_reached_only_when_the_configuration_says_so(peer, transport):
    url = peer.serve("/a", {"id": "x"})
    assert transport.request("GET", url).status == 200
    assert reason(Transport(), url) == "address"
    assert len(peer.asked) == 1


def test_r25_with_loopback_allowed_other_private_addresses_stay_refused(transport):
    for url in (
        "http://10.0.0.1:8000/",
        "http://127.0.0.2:8000/",
        "http://169.254.169.254/latest/meta-data/",
        "http://0.0.0.0:8000/",
        "http://[::ffff:127.0.0.1]:8000/",
        "http://127.0.0.1/",
    ):
        assert reason(transport, url) == "address"


def test_r25_proxies_of_the_environment_are_not_used(peer, transport, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv(name.upper(), "http://127.0.0.1:1")
    url = peer.serve("/a?b=c", {})
    peer.answers["/a"] = peer.answers.pop("/a?b=c")
    assert transport.request("GET", url).status == 200
    assert peer.targets() == ["/a?b=c"]


# --- What is sent and what comes back -------------------------------------------------------


def test_an_answer_has_its_status_headers_body_and_address(peer, transport):
    reply = Reply(203, (("X-One", "1"), ("x-one", "2"), ("Content-Type", "text/plain")), b"hello")
    peer.answers["/a"] = lambda _asked: reply
    answer = transport.request("GET", peer.url("/a?x=%2f"))
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body, answer.url) == (203, b"hello", peer.url("/a?x=%2f"))
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["x-one"] == "1, 2"


def test_what_is_asked_arrives_as_it_was_signed(peer, transport):
    peer.serve("/a", {})
    headers = {"Accept": "application/activity+json", "Signature": 'keyId="x"'}
    transport.request("POST", peer.url("/a?q=%c3%A9&r=a+b"), headers=headers, body=b"\x00body")
    (asked,) = peer.asked
    assert (asked.method, asked.target, asked.body) == ("POST", "/a?q=%c3%A9&r=a+b", b"\x00body")
    assert asked.header("signature") == 'keyId="x"'
    assert asked.header("host") == f"127.0.0.1:{peer.port}"
    assert asked.header("user-agent") == "collab-test"
    assert asked.header("content-length") == "5"


def test_an_empty_post_says_that_it_is_empty(peer, transport):
    peer.serve("/a", {})
    transport.request("POST", peer.url("/a"))
    assert peer.asked[0].header("content-length") == "0"


def test_r26_only_gzip_is_asked_for_and_callers_cannot_change_our_headers(peer, transport):
    peer.serve("/a", {})
    theirs = {
        "accept-encoding": "br, zstd",
        "HOST": "evil.example",
        "User-agent": "x",
        "content-length": "9",
        "connection": "upgrade",
    }
    transport.request("GET", peer.url("/a"), headers=theirs)
    (asked,) = peer.asked
    assert asked.header("accept-encoding") == "gzip"
    assert asked.header("host") == f"127.0.0.1:{peer.port}"
    assert [name.lower() for name, _ in asked.headers].count("host") == 1
    assert asked.header("content-length") is None


@pytest.mark.parametrize(
    "headers", [{"X-A": "b\r\nX-Injected: 1"}, {"X\r\nY": "b"}, {"X-A": "é€"}, {"": "x"}]
)
def test_a_header_that_would_split_a_request_is_not_sent(peer, transport, headers):
    assert reason(transport, peer.url("/a"), headers=headers) == "broken"
    assert peer.asked == []


def test_r24_a_redirect_is_not_followed_here(peer, transport):
    url = peer.redirect("/a", "http://169.254.169.254/latest/meta-data/")
    answer = transport.request("GET", url)
    assert answer.status == 302
    assert answer.headers["location"].startswith("http://169.254")
    assert peer.targets() == ["/a"]


@pytest.mark.parametrize("status", [200, 201, 202, 204, 304, 400, 401, 403, 404, 410, 429, 500])
def test_every_status_is_an_answer(peer, transport, status):
    peer.answers["/a"] = lambda _asked: Reply(status)
    assert transport.request("GET", peer.url("/a")).status == status
    assert transport.request("POST", peer.url("/a"), body=b"x").status == status


def test_a_packed_answer_is_unpacked(peer, transport):
    packed = Reply(200, (("Content-Encoding", "GZip"),), gzip.compress(b"hello" * 1000))
    peer.answers["/a"] = lambda _asked: packed
    assert transport.request("GET", peer.url("/a")).body == b"hello" * 1000


def test_a_chunked_answer_is_put_together(peer, transport):
    body = b"5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"
    chunked = Reply(200, (("Transfer-Encoding", "chunked"),), body)
    peer.answers["/a"] = lambda _asked: chunked
    assert transport.request("GET", peer.url("/a")).body == b"hello!"


def test_connections_are_kept_and_replaced_when_the_peer_has_closed_them(peer, transport):
    url = peer.serve("/a", {})
    for _ in range(5):
        transport.request("GET", url)
    assert peer.connections == 1
    peer.answers["/last"] = lambda _asked: Reply(200, (("Connection", "close"),), b"bye")
    assert transport.request("GET", peer.url("/last")).body == b"bye"
    transport.request("GET", url)
    assert peer.connections == 2


def test_a_kept_connection_that_dies_unseen_is_replaced_once(transport):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        served = []

        def serve():
            for number in range(2):
                connection, _ = server.accept()
                with connection:
                    for _ in range(2 - number):
                        request = b""
                        while not request.endswith((b"one", b"two")):
                            request += connection.recv(65536)
                        served.append(request[-3:])
                        if len(served) != 2:
                            connection.sendall(Reply(202).raw())

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{port}/inbox"
        assert transport.request("POST", url, body=b"one").status == 202
        assert transport.request("POST", url, body=b"two").status == 202
        thread.join(10)
    assert served == [b"one", b"two", b"two"]


def test_a_fresh_connection_that_dies_is_not_tried_again(peer, transport):
    assert reason(transport, peer.url("/hang-up"), method="POST", body=b"x") == "broken"
    assert len(peer.asked) == 1


def test_a_port_where_nobody_listens_is_told_apart(transport):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert reason(transport, f"http://127.0.0.1:{port}/") == "connect"


# --- R26: limits ----------------------------------------------------------------------------


@pytest.mark.parametrize("misdeed", ["/silent", "/drip", "/drip-headers"])
def test_r26_the_deadline_is_for_the_whole_answer(peer, transport, misdeed):
    assert reason(transport, peer.url(misdeed), deadline=0.5) == "timeout"


def test_r26_a_drip_that_ends_before_the_deadline_is_an_answer(peer, transport):
    assert transport.request("GET", peer.url("/drip"), deadline=60).body == b" " * PIECES


def test_r26_a_peer_that_does_not_read_is_given_up(transport):
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/inbox"
        refused = reason(transport, url, method="POST", body=bytes(64 << 20), deadline=0.5)
    assert refused == "timeout"


@pytest.mark.parametrize(
    "misdeed", ["/bomb", "/endless", "/endless-without-length", "/huge-headers"]
)
def test_r26_an_answer_larger_than_its_limit_is_given_up(peer, transport, misdeed):
    assert reason(transport, peer.url(misdeed), deadline=30) == "too_large"


def test_r26_a_bomb_is_not_unpacked_beyond_the_limit(peer, transport):
    bomb()
    tracemalloc.start()
    try:
        assert reason(transport, peer.url("/bomb"), limit=1 << 16, deadline=30) == "too_large"
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 8 << 20


def test_r26_the_limit_counts_unpacked_bytes_and_is_exact(peer, transport):
    for size in (1000, 1001):
        plain, packed = bytes(size), gzip.compress(bytes(size))
        peer.answers["/plain"] = lambda _asked, body=plain: Reply(200, (), body)
        peer.answers["/packed"] = lambda _asked, body=packed: Reply(
            200, (("Content-Encoding", "gzip"),), body
        )
        for path in ("/plain", "/packed"):
            if size == 1000:
                assert len(transport.request("GET", peer.url(path), limit=1000).body) == size
            else:
                assert reason(transport, peer.url(path), limit=1000) == "too_large"


@pytest.mark.parametrize(
    "misdeed",
    ["/cut-short", "/cut-gzip", "/not-http", "/hang-up", "/many-headers", "/one-huge-header"],
)
def test_r26_what_is_not_a_whole_http_answer_is_given_up(peer, transport, misdeed):
    assert reason(transport, peer.url(misdeed)) == "broken"


def test_r26_an_encoding_that_was_not_asked_for_is_refused(peer, transport):
    assert reason(transport, peer.url("/unasked-encoding")) == "encoding"
    for encoding in ("deflate", "gzip, gzip", "zstd"):
        reply = Reply(200, (("Content-Encoding", encoding),), b"x")
        peer.answers["/a"] = lambda _asked, reply=reply: reply
        assert reason(transport, peer.url("/a")) == "encoding"


def test_r26_an_answer_called_packed_that_is_not_is_broken(peer, transport):
    peer.answers["/a"] = lambda _asked: Reply(200, (("Content-Encoding", "gzip"),), b"plain")
    assert reason(transport, peer.url("/a")) == "broken"


def test_a_connection_given_up_is_never_used_again(peer, transport):
    url = peer.serve("/a", {"a": 1})
    reply = Reply(200, (), bytes(200_000))
    peer.answers["/large"] = lambda _asked: reply
    for _ in range(3):
        assert reason(transport, peer.url("/large"), limit=1000) == "too_large"
        assert transport.request("GET", url).body == b'{"a": 1}'
    assert [target for target in peer.targets() if target == "/large"] == ["/large"] * 3


# --- TLS ------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """Contexts of a server named `localhost` and of a client that trusts it, and where it is."""
    pem = tmp_path_factory.mktemp("tls") / "both.pem"
    return *tls_contexts(pem), pem


def test_r22_tls_is_spoken_with_the_name_and_its_certificate_checked(authority):
    server, client, _ = authority
    announced = []
    server.sni_callback = lambda _socket, name, _context: announced.append(name)
    trusting = Transport(allow_loopback=True, tls=client)
    with closing(trusting), hostile_peer(tls=server, host="localhost") as peer:
        url = peer.serve("/a", {"a": 1})
        for _ in range(2):
            assert trusting.request("GET", url).body == b'{"a": 1}'
        assert peer.connections == 1
        assert announced == ["localhost"]
        assert peer.asked[0].header("host") == f"localhost:{peer.port}"


def test_a_certificate_for_another_name_or_of_a_stranger_is_refused(authority):
    server, client, _ = authority
    with hostile_peer(tls=server, host="127.0.0.1") as peer:
        other_name = Transport(allow_loopback=True, tls=client)
        assert reason(other_name, peer.url("/a")) == "tls"
        stranger = Transport(allow_loopback=True)
        assert reason(stranger, f"https://localhost:{peer.port}/a") == "tls"
        assert peer.asked == []


def test_r26_limits_hold_over_tls(authority):
    server, client, _ = authority
    trusting = Transport(allow_loopback=True, tls=client)
    with closing(trusting), hostile_peer(tls=server, host="localhost") as peer:
        for misdeed in ("/drip", "/drip-headers", "/silent"):
            assert reason(trusting, peer.url(misdeed), deadline=0.5) == "timeout"
        assert reason(trusting, peer.url("/bomb"), deadline=30) == "too_large"
    with closing(trusting), dripping_tls(server) as dripping:
        assert reason(trusting, dripping + "/", deadline=0.5) == "timeout"
        assert trusting.request("GET", dripping + "/", deadline=60).body == b"{}"


def test_r26_a_handshake_that_never_ends_is_given_up(authority):
    trusting = Transport(allow_loopback=True, tls=authority[1])
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"https://localhost:{server.getsockname()[1]}/"
        assert reason(trusting, url, deadline=0.5) == "timeout"


def test_a_peer_that_does_not_speak_tls_is_told_apart(authority):
    trusting = Transport(allow_loopback=True, tls=authority[1])
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet():
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"220 mail.example ESMTP\r\n")
                connection.recv(65536)

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        assert reason(trusting, f"https://localhost:{server.getsockname()[1]}/") == "tls"
        thread.join(10)


# --- Threads and greenlets ------------------------------------------------------------------


def meeting(peer, size: int) -> str:
    """An address that answers only once `size` requests have come in."""
    barrier = threading.Barrier(size)

    def answer(asked):
        barrier.wait(20)
        return Reply(200, (), asked.body)

    peer.answers["/meet"] = answer
    return peer.url("/meet")


def test_one_transport_serves_many_threads_at_once(peer, transport):
    url = meeting(peer, 8)

    def ask(number):
        return transport.request("POST", url, body=b"%d" % number, deadline=30).body

    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            assert list(pool.map(ask, range(8))) == [b"%d" % number for number in range(8)]


UNDER_GEVENT = """
    from gevent import monkey
    monkey.patch_all()
    import ssl, sys
    import gevent
    from collab.federation.transport import Transport, Unreachable

    plain, secure, dripping, authority = sys.argv[1:]
    transport = Transport(
        allow_loopback=True, tls=ssl.create_default_context(cafile=authority)
    )

    def meet(number):
        url = plain + "/meet"
        return transport.request("POST", url, body=b"%d" % number, deadline=30).body

    def late(url):
        try:
            transport.request("GET", url, deadline=0.5)
        except Unreachable as error:
            return error.reason

    asked = [gevent.spawn(meet, number) for number in range(8)]
    slow = [
        gevent.spawn(late, origin + path)
        for origin in (plain, secure)
        for path in ("/drip", "/drip-headers", "/silent")
    ]
    slow.append(gevent.spawn(late, dripping + "/"))
    gevent.joinall(asked + slow, timeout=40)
    assert [job.value for job in asked] == [b"%d" % number for number in range(8)]
    assert [job.value for job in slow] == ["timeout"] * len(slow), [job.value for job in slow]
    assert transport.request("GET", secure + "/a").body == b'{"a": 1}'
    print("all is well")
"""


def test_one_transport_serves_many_greenlets_and_keeps_its_deadlines(peer, authority):
    server, _, pem = authority
    meeting(peer, 8)
    with hostile_peer(tls=server, host="localhost") as secure, dripping_tls(server) as dripping:
        secure.serve("/a", {"a": 1})
        ended = subprocess.run(
            [
                sys.executable,
                "-c",
                textwrap.dedent(UNDER_GEVENT),
                peer.origin,
                secure.origin,
                dripping,
                str(pem),
            ],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
    assert ended.stdout == "all is well\n", ended.stderr


@pytest.mark.parametrize(
    ("told", "least", "most"),
    [("120", 120, 120), ("in ten minutes", 500, 600), ("7200", 3600, 3600), ("long ago", 0, 0)],
)
def test_a_host_says_in_seconds_or_by_a_date_how_long_to_wait(told, least, most):
    dates = {"in ten minutes": timedelta(minutes=10), "long ago": timedelta(days=-1)}
    if told in dates:
        told = format_datetime(datetime.now(UTC) + dates[told], usegmt=True)
    sent = Sent(Answer(429, {"retry-after": told}, b"", "https://b.example/inbox"), 1.0)
    assert sent.verdict is Verdict.PAUSE
    assert least <= sent.pause.total_seconds() <= most


@pytest.mark.parametrize("told", ["", "soon", "Mon, 99 Foo 2026", "9" * 40, "²"])
def test_a_wait_that_nobody_can_read_is_a_failure(told):
    sent = Sent(Answer(503, {"retry-after": told}, b"", "https://b.example/inbox"), 1.0)
    assert sent.verdict is Verdict.FAILED
