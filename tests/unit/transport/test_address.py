import pytest

from kefu.transport.address import LOOPBACK, address_group, client_address, is_loopback, parse_networks

TRUSTED = parse_networks(["127.0.0.0/8", "::1", "10.0.0.0/8"])


def address(peer, *headers):
    return client_address(peer, [(name.encode(), value.encode()) for name, value in headers], TRUSTED)


XFF, REAL = "x-forwarded-for", "x-real-ip"


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        ("203.0.113.1", [], "203.0.113.1"),
        ("203.0.113.1", [(XFF, "8.8.8.8")], "203.0.113.1"),
        ("203.0.113.1", [(REAL, "8.8.8.8")], "203.0.113.1"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", [(XFF, "8.8.8.8")], "8.8.8.8"),
        ("127.0.0.1", [(XFF, "6.6.6.6, 8.8.8.8")], "8.8.8.8"),
        ("127.0.0.1", [(XFF, "6.6.6.6, 8.8.8.8, 10.1.2.3")], "8.8.8.8"),
        ("127.0.0.1", [(XFF, "10.0.0.1, 10.0.0.2")], "10.0.0.1"),
        ("127.0.0.1", [(XFF, "6.6.6.6"), (XFF, "8.8.8.8")], "8.8.8.8"),
        ("127.0.0.1", [(XFF, "8.8.8.8, garbage, 10.0.0.2")], "10.0.0.2"),
        ("127.0.0.1", [(XFF, "garbage")], "127.0.0.1"),
        ("127.0.0.1", [(XFF, "")], "127.0.0.1"),
        ("127.0.0.1", [(XFF, ""), (REAL, "8.8.8.8")], "127.0.0.1"),
        ("127.0.0.1", [(XFF, "8.8.8.8"), (REAL, "9.9.9.9")], "8.8.8.8"),
        ("127.0.0.1", [(REAL, "9.9.9.9")], "9.9.9.9"),
        ("127.0.0.1", [(REAL, "unknown")], "127.0.0.1"),
        ("127.0.0.1", [(XFF, "8.8.8.8:1234")], "8.8.8.8"),
        ("127.0.0.1", [(XFF, "[2001:db8::1]:1234")], "2001:db8::1"),
        ("127.0.0.1", [(XFF, "2001:DB8:0:0::1")], "2001:db8::1"),
        ("127.0.0.1", [(XFF, "::ffff:8.8.8.8")], "8.8.8.8"),
        ("::1", [(XFF, "8.8.8.8")], "8.8.8.8"),
        ("::ffff:127.0.0.1", [(XFF, "8.8.8.8")], "8.8.8.8"),
        ("fe80::1%eth0", [], "fe80::1"),
        (None, [(XFF, "8.8.8.8")], "8.8.8.8"),
        (None, [], "127.0.0.1"),
    ],
)
def test_client_address(peer, headers, expected):
    assert address(peer, *headers) == expected


def test_nobody_is_trusted():
    assert client_address("127.0.0.1", [(b"x-forwarded-for", b"8.8.8.8")], ()) == "127.0.0.1"


def test_header_bytes_are_only_looked_at():
    assert client_address("127.0.0.1", [(b"x-forwarded-for", b"\xff\x00")], LOOPBACK) == "127.0.0.1"


def test_groups():
    assert address_group("8.8.8.8") == "8.8.8.8"
    assert address_group("2001:db8::1") == address_group("2001:db8::ffff") == "2001:db8::/64"
    assert address_group("2001:db8:0:1::1") != address_group("2001:db8::1")


def test_loopback():
    assert [is_loopback(text) for text in ("127.0.0.2", "::1", "8.8.8.8", "x")] == [True, True, False, False]


def test_networks():
    assert parse_networks([" 10.0.0.1 ", "", "10.1.2.3/8"]) == parse_networks(["10.0.0.1/32", "10.0.0.0/8"])
    with pytest.raises(ValueError, match="nonsense"):
        parse_networks(["nonsense"])


def test_text_of_any_length():
    """What is longer than any address is none, and is not looked at."""
    longest = "[" + ":".join(["2001"] * 6) + ":255.255.255.255%" + "z" * 15 + "]:65535"
    assert address_group(longest) == "2001:2001:2001:2001::/64"
    assert client_address("127.0.0.1", [(b"x-forwarded-for", b"8.8.8.8%" + b"z" * 8000)], TRUSTED) == "127.0.0.1"
