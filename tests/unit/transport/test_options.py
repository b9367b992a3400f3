import pytest

from kefu.transport.server.options import TransportOptions


def test_defaults_hold():
    assert TransportOptions().message_bytes_max == 65536


@pytest.mark.parametrize("wrong", [{"outbox_bytes_max": 0}, {"close_seconds_max": -1.0}])
def test_limits_are_positive(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        TransportOptions(**wrong)


def test_a_pong_is_due_before_the_next_ping():
    with pytest.raises(ValueError, match="ping_timeout_ms"):
        TransportOptions(ping_interval_ms=100, ping_timeout_ms=100)
