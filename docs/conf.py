"""How the documentation's site is built; `make docs` runs this once a language."""

from __future__ import annotations

import importlib.metadata
import os
from pathlib import Path

project = "Kefu"
author = "Kefu"
release = importlib.metadata.version("kefu")
language = {"en": "en", "zh-CN": "zh_CN"}[os.environ["KEFU_DOCS_LANGUAGE"]]
other = {"en": ("zh-CN", "中文"), "zh_CN": ("en", "English")}[language]

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "Kefu"
html_show_sphinx = False
html_copy_source = False
html_favicon = str(Path(__file__).parent.parent / "src/kefu/mainsite/assets/icon.svg")
html_theme_options = {
    "navigation_with_keys": True,
    "light_css_variables": {
        "color-brand-primary": "#3557d6",
        "color-brand-content": "#2f4fc7",
        "color-announcement-background": "#edf1fe",
        "color-announcement-text": "#2f4fc7",
    },
    "dark_css_variables": {
        "color-brand-primary": "#9db0ff",
        "color-brand-content": "#9db0ff",
        "color-announcement-background": "#1f2848",
        "color-announcement-text": "#9db0ff",
    },
    "announcement": f'<a href="../{other[0]}/index.html" lang="{other[0]}">{other[1]}</a>',
}
