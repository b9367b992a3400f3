"""How near a list comes to a page's origin, and the line that admits it."""

from __future__ import annotations

import pytest

from kefu.doctor.origins import check_page, origin_of

LISTED = ("https://shop.example", "http://localhost:3000")


@pytest.mark.parametrize(
    ("origin", "code"),
    [
        ("http://shop.example", "origin_other_scheme"),
        ("https://shop.example:8443", "origin_other_port"),
        ("http://localhost:3001", "origin_other_port"),
        ("https://www.shop.example", "origin_www"),
        ("https://other.example", "origin_not_listed"),
    ],
)
def test_near_misses(origin: str, code: str) -> None:
    (found,) = check_page("CHAT_ALLOWED_ORIGINS", LISTED, origin)
    assert found.code == code
    assert found.line == f"CHAT_ALLOWED_ORIGINS={','.join(LISTED)},{origin}"


def test_a_listed_origin_is_fine() -> None:
    assert check_page("CHAT_ALLOWED_ORIGINS", LISTED, origin_of("https://SHOP.example:443/a?b=c")) == []
