"""What the acceptance says, in English and Chinese. Pure."""

from __future__ import annotations

from typing import Any, Literal

Language = Literal["en", "zh-CN"]

CHECKS: dict[str, tuple[str, str]] = {
    "health": ("chat-server answers", "chat-server 有响应"),
    "redirect": ("http is sent on to https", "http 跳转到 https"),
    "ready": ("messages can be stored", "消息可以入库"),
    "visitor_websocket": ("visitor connects by websocket", "访客可用 websocket 连接"),
    "visitor_polling": ("visitor connects by polling", "访客可用 polling 连接"),
    "agent_websocket": ("agent connects by websocket", "客服可用 websocket 连接"),
    "agent_polling": ("agent connects by polling", "客服可用 polling 连接"),
    "widget": ("widget.js and its headers", "widget.js 及响应头"),
    "widget_alias": ("widgetScript.js is the same file", "widgetScript.js 内容相同"),
    "widget_short": ("/widget/ without /chat (optional)", "不带 /chat 的 /widget/（可选）"),
    "widget_files": ("what the widget loads", "聊天窗加载的文件"),
    "console_files": ("the console's files", "客服工作台文件"),
    "admin_page": ("/admin/chat and its token route", "/admin/chat 与 token 接口"),
    "hello": ("visitor opens a conversation", "访客打开会话"),
    "visitor_message": ("visitor writes, agent reads it", "访客发送，客服收到"),
    "assign": ("agent assigns, visitor sees who", "客服 Assign，访客可见客服"),
    "agent_message": ("agent writes, visitor reads it", "客服发送，访客收到"),
    "polling_message": ("the same by polling", "polling 下同样可用"),
    "repeat": ("a message sent twice is stored once", "重复发送的消息只保存一次"),
    "history": ("a new connection reads everything back", "重新连接后历史完整"),
    "close": ("agent closes the conversation", "客服关闭会话"),
    "pictures": ("screenshots", "截图"),
}

WORDS: dict[str, tuple[str, str]] = {
    # titles
    "check": ("check", "检查项"),
    "result": ("result", "结果"),
    "more": ("", "说明"),
    "ok": ("ok", "通过"),
    "failed": ("failed", "失败"),
    "skipped": ("skipped", "跳过"),
    "accepted": ("accepted in {seconds:.1f} s", "验收通过，用时 {seconds:.1f} 秒"),
    "not_accepted": ("not accepted", "验收未通过"),
    "advice": ("kefu doctor --url {url} names the line to change", "kefu doctor --url {url} 会指出该改哪一行"),
    "left": (
        "It leaves one closed conversation with the visitor's name “{name}”: {id}",
        "留下一个已关闭的会话，访客名为“{name}”：{id}",
    ),
    "left_open": (
        "The conversation {id} of “{name}” could not be closed; close it in the console",
        "“{name}”的会话 {id} 未能关闭，请在工作台关闭",
    ),
    # what checks say
    "transit": ("{ms:.0f} ms from sender to reader", "从发送到收到 {ms:.0f} 毫秒"),
    "messages": ("{count} messages, numbered without a hole", "{count} 条消息，编号连续"),
    "files": ("{files}", "{files}"),
    # why they failed
    "lost": ("{reason}", "连接失败：{reason}"),
    "refused": ("{reason}", "被拒绝：{reason}"),
    "status": ("{url} answered {got}, expected {expected}", "{url} 返回 {got}，应为 {expected}"),
    "no_health": ("{url} is answered by something else than chat-server", "{url} 不是由 chat-server 响应的"),
    "not_ready": ("{url} says {reason}", "{url} 返回：{reason}"),
    "no_redirect": ("{url} answered {got} instead of sending browsers to https", "{url} 返回 {got}，没有跳转到 https"),
    "not_https": ("only for https on its usual port", "仅适用于 443 端口的 https"),
    "header": (
        "{url}: header {name} is {got!r}, expected {expected}",
        "{url}：响应头 {name} 为 {got!r}，应为 {expected}",
    ),
    "not_revalidated": (
        "{url}: If-None-Match with its own ETag got {got}, expected 304",
        "{url}：以自身 ETag 发送 If-None-Match 得到 {got}，应为 304",
    ),
    "different": ("{url} is not the same file as {other}", "{url} 与 {other} 内容不同"),
    "no_alias": (
        "{url} answered {got}: pages with old links need this location",
        "{url} 返回 {got}：旧链接需要该 location",
    ),
    "names_no_file": ("{url} names no file to load", "{url} 中没有要加载的文件"),
    "no_admin_page": (
        "{url} is not there; the main site is elsewhere: give --admin-url",
        "{url} 不存在；主站在别处，请用 --admin-url 指定",
    ),
    "token_for_all": ("{url} gives a token to people who are not logged in", "{url} 对未登录者也返回 token"),
    "token_unset": ("{url}: the main site has no CHAT_ADMIN_JWT_SECRET", "{url}：主站未设置 CHAT_ADMIN_JWT_SECRET"),
    "not_tried": ("needs: {name}", "取决于：{name}"),
    "no_answer": ("{event} was refused: {error}: {message}", "{event} 被拒绝：{error}：{message}"),
    "not_heard": ("{who} heard no {event} in {seconds:g} s", "{who} 在 {seconds:g} 秒内没有收到 {event}"),
    "stored_twice": ("the repeat was stored as another message", "重复的消息被保存了两次"),
    "other_history": ("expected {expected}, got {got}", "应为 {expected}，实际为 {got}"),
    "no_browser": ("no Chromium or Chrome was found", "没有找到 Chromium 或 Chrome"),
    "no_picture": ("the browser made no picture of {url}", "浏览器没有生成 {url} 的截图"),
}


def say(key: str, language: Language, **values: Any) -> str:
    """A text with its values."""
    english, chinese = WORDS[key]
    return (chinese if language == "zh-CN" else english).format(**values)


def name_of(check: str, language: Language) -> str:
    """What a check is called."""
    english, chinese = CHECKS[check]
    return chinese if language == "zh-CN" else english
