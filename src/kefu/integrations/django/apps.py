"""The agents' page and the token route as a Django application.

    INSTALLED_APPS += ["kefu.integrations.django"]                       # settings.py
    urlpatterns += [path("", include("kefu.integrations.django.urls"))]  # urls.py

Staff may answer visitors, superusers are owners. For another rule name a function in `settings.KEFU`:
`{"AGENT": "shop.chat.agent_of"}`, which takes a request and answers an `Agent` or None.
"""

from __future__ import annotations

from django.apps import AppConfig


class KefuConfig(AppConfig):
    """Registers the application under the label `kefu`; it has no models."""

    name = "kefu.integrations.django"
    label = "kefu"
    verbose_name = "Kefu"
