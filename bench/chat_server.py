"""Runs chat-server alone, from the environment."""

from __future__ import annotations

import resource

import uvloop

from kefu import logs
from kefu.app import run_chat_server
from kefu.config import load_settings

hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
settings = load_settings()
logs.configure(settings.log_level)
uvloop.run(run_chat_server(settings))
