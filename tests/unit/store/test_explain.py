"""What a person is told when one of the embedded PostgreSQL's programs fails."""

from __future__ import annotations

import pytest

from kefu.store.embedded_cluster import explain

NO_BLOCK = 'FATAL:  could not write to file "pg_wal/xlogtemp.1": No space left on device'
HALF_A_BLOCK = """FATAL:  could not extend file "base/1/2691": wrote only 4096 of 8192 bytes at block 9
HINT:  Check free disk space."""


@pytest.mark.parametrize("complaint", [NO_BLOCK, HALF_A_BLOCK])
def test_a_full_disk_is_named(complaint: str) -> None:
    output = f"creating configuration files ... ok\n{complaint}\nPANIC:  cannot abort transaction 1\n"
    assert explain("initdb failed", output) == "initdb failed: the disk is full (No space left on device)"


def test_other_reasons_are_told_in_one_line() -> None:
    assert explain("initdb failed", "one\n\n two \n") == "initdb failed: one | two"
    assert explain("initdb failed", "") == "initdb failed: no output"
