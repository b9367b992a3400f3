r"""JSON as clients send it: fast for what is right, slow for what can be repaired, an error for the rest.

Laws:

* Text that is JSON in UTF-8 is decoded by msgspec and by nothing else.
* Lone surrogates, as `\ud800` escapes or as raw bytes (WTF-8), become U+FFFD. Other broken UTF-8 is `NotUtf8Error`.
* Nesting deeper than the limit is refused before any decoder sees it; brackets inside strings do not count.
* Numbers are finite: NaN, Infinity and 1e999 are no JSON here.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

import msgspec

_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_OPENING, _CLOSING = b"[{", b"]}"
_SURROGATE = re.compile("[\ud800-\udfff]")

_fast_decode = msgspec.json.Decoder().decode


class NotJsonError(ValueError):
    """The bytes are no JSON."""


class TooDeepError(ValueError):
    """The JSON is nested too deep."""


class NotUtf8Error(ValueError):
    """The bytes are no UTF-8, and not for lone surrogates alone."""


def decode(data: bytes, depth_max: int) -> Any:
    """Decodes a JSON text.

    Args:
        data: The text.
        depth_max: How many arrays and objects may stand inside each other.

    Raises:
        NotJsonError: If it is no JSON.
        TooDeepError: If it is nested deeper.
        NotUtf8Error: If it is no UTF-8.
    """
    if data.count(b"[") + data.count(b"{") > depth_max and _is_deeper(data, depth_max):
        raise TooDeepError(f"expected JSON nested at most {depth_max} deep")
    try:
        return _fast_decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _decode_slowly(data)


def _is_deeper(data: bytes, depth_max: int) -> bool:
    depth = 0
    for byte in _STRINGS.sub(b"", data):
        if byte in _OPENING:
            depth += 1
            if depth > depth_max:
                return True
        elif byte in _CLOSING:
            depth -= 1
    return False


def _decode_slowly(data: bytes) -> Any:
    try:
        text = data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise NotUtf8Error("expected UTF-8") from error
    try:
        return _mend(json.loads(text, parse_constant=_refuse_number, parse_float=_finite))
    except (ValueError, RecursionError) as error:
        raise NotJsonError("expected JSON") from error


def _mend(value: Any) -> Any:
    if isinstance(value, str):
        return _mend_text(value)
    if isinstance(value, list):
        return [_mend(item) for item in value]
    if isinstance(value, dict):
        return {_mend_text(key): _mend(item) for key, item in value.items()}
    return value


def _mend_text(text: str) -> str:
    if not _SURROGATE.search(text):
        return text
    # Two halves that stand together are one character: raw bytes may spell a pair that way.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse_number(text)


def _refuse_number(text: str) -> NoReturn:
    raise ValueError(f"expected a finite number, got {text[:20]}")
