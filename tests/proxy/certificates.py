"""A certificate authority of our own, made for a test run, and a browser's home that trusts it."""

from __future__ import annotations

import subprocess
from pathlib import Path

DAYS = "90"


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[0]}: {done.stderr or done.stdout}"


def make(folder: Path, names: list[str]) -> Path:
    """`fullchain.pem` and `privkey.pem` for these names, signed by `ca.pem`; returns the CA's file."""
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    ca, ca_key = folder / "ca.pem", folder / "ca.key"
    run(
        "openssl", "req", "-x509", *new_key, "-days", DAYS, "-subj", "/CN=Kefu test CA",
        "-keyout", str(ca_key), "-out", str(ca),
        "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign",
    )  # fmt: skip
    run(
        "openssl", "req", "-x509", *new_key, "-days", DAYS, "-subj", f"/CN={names[0]}", "-CA", str(ca),
        "-CAkey", str(ca_key), "-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem"),
        "-addext", "subjectAltName=" + ",".join(f"DNS:{name}" for name in names),
        "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=serverAuth",
    )  # fmt: skip
    return ca


def trusting_home(folder: Path, ca: Path) -> Path:
    """A home folder whose Chromium believes the CA, as a person's does after importing it."""
    store = folder / ".pki" / "nssdb"
    store.mkdir(parents=True)
    run("certutil", "-d", f"sql:{store}", "-N", "--empty-password")
    run("certutil", "-d", f"sql:{store}", "-A", "-n", "Kefu test CA", "-t", "C,,", "-i", str(ca))
    return folder
