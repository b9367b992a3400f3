"""Everything that doctor can find as Markdown: symptom, cause, line to change. The troubleshooting pages hold it."""

from __future__ import annotations

import re

from kefu.doctor.findings import SUBJECTS, Kind, Language, texts

_HEADINGS: dict[Language, dict[str, str]] = {
    "en": {
        "settings": "Settings files",
        "secrets": "Secrets",
        "origins": "Origins",
        "database": "Database",
        "programs": "Programs",
        "machine": "Machine",
        "url": "Address, certificate, proxy",
        "sockets": "Sockets",
        "address": "Visitors' addresses",
        "widget": "The widget's files",
        "page": "The page with the widget",
        "doctor": "doctor itself",
    },
    "zh-CN": {
        "settings": "配置文件",
        "secrets": "密钥",
        "origins": "来源（origin）",
        "database": "数据库",
        "programs": "程序",
        "machine": "机器",
        "url": "网址、证书与代理",
        "sockets": "Socket 连接",
        "address": "访客地址",
        "widget": "聊天窗文件",
        "page": "嵌入聊天窗的页面",
        "doctor": "doctor 自身",
    },
}
_COLUMNS: dict[Language, str] = {
    "en": "| code | what you see | what is wrong | line to change |",
    "zh-CN": "| 代码 | 现象 | 原因 | 要改的一行 |",
}
_PLACE = re.compile(r"\{([a-z_]+)\}")


def markdown(language: Language) -> str:
    """A table a subject; what differs from case to case stands in angle quotes."""
    return "\n\n".join(_table(subject, kinds, language) for subject, kinds in SUBJECTS.items())


def _table(subject: str, kinds: dict[str, Kind], language: Language) -> str:
    rows = [_row(code, kind, language) for code, kind in kinds.items()]
    return "\n".join([f"## {_HEADINGS[language][subject]}", "", _COLUMNS[language], "|---|---|---|---|", *rows])


def _row(code: str, kind: Kind, language: Language) -> str:
    told = texts(language)[code]
    cells = [f"`{code}`", _cell(told["symptom"]), _cell(told["found"]), f"`{_cell(kind.line)}`"]
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return _PLACE.sub(lambda match: f"‹{match[1]}›", text).replace("|", "\\|")
