"""Views of the agents' page: who is logged in comes from Django, the answers from `kefu.mainsite.host`.

`settings.KEFU` may hold `AGENT` (dotted path of a function that takes a request and answers an `Agent` or None),
`LOGIN_URL` (default: Django's own) and `LOGOUT_URL`. The `CHAT_…` names of the wire contract are read from Django's
settings, else from the environment.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.module_loading import import_string
from django.views.decorators.http import require_safe

from kefu.mainsite.host import Agent, Answer, ConsoleHost, Paths, Visit

SETTINGS = (
    "CHAT_ADMIN_JWT_SECRET",
    "CHAT_SERVER_INTERNAL_URL",
    "CHAT_SERVER_PUBLIC_URL",
    "NEXT_PUBLIC_CHAT_SERVER_URL",
)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The console, the page that waits for chat-server, or the way to the login."""
    own = getattr(settings, "KEFU", {})
    paths = Paths(
        token=reverse("kefu:token"),
        status=reverse("kefu:status"),
        assets=reverse("kefu:asset", args=["x"]).removesuffix("/x"),
        login=resolve_url(own.get("LOGIN_URL", settings.LOGIN_URL)),
        logout=own.get("LOGOUT_URL", ""),
    )
    visit = Visit(
        host=request.get_host(),
        accept_language=request.headers.get("Accept-Language"),
        language=request.GET.get("lang"),
        address=request.path,
    )
    return _response(_host().page(_agent_of(request), paths, visit))


@require_safe
def token(request: HttpRequest) -> HttpResponse:
    """A fresh token for the agent who is logged in."""
    return _response(_host().token(_agent_of(request)))


@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """Whether chat-server answers."""
    return _response(_host().status(_agent_of(request)))


@require_safe
def asset(_: HttpRequest, name: str) -> HttpResponse:
    """A style or script of the page."""
    return _response(_host().asset(name))


def staff_agent(request: HttpRequest) -> Agent | None:
    """Staff as agents, superusers as owners; nobody else."""
    user = request.user
    if not (user.is_authenticated and user.is_active and user.is_staff):
        return None
    name = user.get_full_name() or user.get_username()
    return Agent(str(user.pk), "owner" if user.is_superuser else "agent", name)


@functools.cache
def _host() -> ConsoleHost:
    named = {name: getattr(settings, name, None) or os.environ.get(name, "") for name in SETTINGS}
    return ConsoleHost.from_environment(named)


def _agent_of(request: HttpRequest) -> Agent | None:
    dotted = getattr(settings, "KEFU", {}).get("AGENT")
    agent_of: Callable[[HttpRequest], Agent | None] = import_string(dotted) if dotted else staff_agent
    return agent_of(request)


def _response(answer: Answer) -> HttpResponse:
    return HttpResponse(answer.body, status=answer.status, headers=answer.headers)
