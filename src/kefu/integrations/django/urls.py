"""The paths that the console and older clients know, below wherever these are included."""

from __future__ import annotations

from django.urls import path

from kefu.integrations.django import views

app_name = "kefu"
urlpatterns = [
    path("admin/chat", views.page, name="console"),
    path("api/admin/chat/token", views.token, name="token"),
    path("api/admin/chat/status", views.status, name="status"),
    path("admin/chat/assets/<str:name>", views.asset, name="asset"),
]
