import pytest

from kefu.transport.socketio.jsontext import NotJsonError, NotUtf8Error, TooDeepError, decode


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (rb'["\ud800"]', ["\ufffd"]),
        (rb'["a\udc00b"]', ["a\ufffdb"]),
        (rb'["\ud800\ud800"]', ["\ufffd\ufffd"]),
        (rb'["\\ud800"]', ["\\ud800"]),
        (rb'["\\\ud800"]', ["\\\ufffd"]),
        (rb'["\ud83d\ude00"]', ["😀"]),
        (rb'{"\ud800":1}', {"\ufffd": 1}),
        (rb'[["\ud800"],{"a":"\ud800"},1,null,true,1.5]', [["\ufffd"], {"a": "\ufffd"}, 1, None, True, 1.5]),
        (b'["\xed\xa0\x80"]', ["\ufffd"]),
        (b'["x\xed\xb0\x80y"]', ["x\ufffdy"]),
        (b'["\xed\xa0\xbd\xed\xb8\x80"]', ["😀"]),
    ],
)
def test_surrogates(data, value):
    assert decode(data, 8) == value


@pytest.mark.parametrize("data", [b'["\xff"]', b'["\xc0\x80"]', b'["\xf5\x80\x80\x80"]', b'["\xe2\x82"]', b"\xff"])
def test_broken_utf8(data):
    with pytest.raises(NotUtf8Error):
        decode(data, 8)


@pytest.mark.parametrize(
    "data", [b"", b"[", b"[NaN]", b"[-Infinity]", b"[1e999]", b'["a\x00"]', b"[1] x", b"{'a':1}", b"[1,]", b"\x00"]
)
def test_no_json(data):
    with pytest.raises(NotJsonError):
        decode(data, 8)


def test_depth():
    assert decode(b"[" * 8 + b"]" * 8, 8)
    with pytest.raises(TooDeepError, match="8 deep"):
        decode(b"[" * 9 + b"]" * 9, 8)
    with pytest.raises(TooDeepError):
        decode(b'{"a":' * 100_000, 8)


def test_brackets_side_by_side_or_in_strings_are_not_deep():
    assert decode(b"[" + b"[]," * 99 + b"[]]", 2) == [[]] * 100
    assert decode(rb'["[[[[[[[[\"{{{{{{\\"]', 2) == ['[[[[[[[["{{{{{{\\']
