"""`certbot certonly` for a server that is a folder: proves the name over http as Let's Encrypt would, then hands out.

Run as `certbot.py FOLDER HTTP_PORT certonly --webroot -w WEBROOT -d NAME… --deploy-hook COMMAND`. The certificate is
one of our own CA, made before, in `FOLDER/ca`.
"""

from __future__ import annotations

import argparse
import secrets
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path


def main(root: Path, http_port: int, *arguments: str) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["certonly"])
    parser.add_argument("--webroot", action="store_true", required=True)
    parser.add_argument("-w", dest="folder", type=Path, required=True)
    parser.add_argument("-d", dest="names", action="append", required=True)
    parser.add_argument("--deploy-hook", required=True)
    wanted = parser.parse_args(arguments)
    for name in wanted.names:
        prove(wanted.folder, name, http_port)
    live = root / "etc/letsencrypt/live" / wanted.names[0]
    live.mkdir(parents=True)
    for name in ("fullchain.pem", "privkey.pem"):
        shutil.copy(root / "ca" / name, live / name)
    subprocess.run(["/bin/sh", "-c", wanted.deploy_hook], check=True)


def prove(folder: Path, name: str, port: int) -> None:
    """What is put into the webroot must be what the name answers."""
    token, proof = secrets.token_urlsafe(), secrets.token_urlsafe()
    path = ".well-known/acme-challenge"
    (folder / path).mkdir(parents=True, exist_ok=True)
    (folder / path / token).write_text(proof)
    request = urllib.request.Request(f"http://127.0.0.1:{port}/{path}/{token}", headers={"Host": name})
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert answer.read().decode() == proof


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
