"""The inbox as a page: plain HTML, nothing loaded, readable on a phone, light or dark as the reader prefers."""

from __future__ import annotations

from html import escape

from sandbox.mail.store import Message

SHOWN = 200

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{count} – Inbox</title>
<style>
:root {{ color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent); }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 48rem; margin: 0 auto; padding: 1rem; }}
header, form {{ display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }}
h1 {{ font-size: 1.25rem; margin: 0; flex: 1; }}
input, button {{ font: inherit; padding: .4rem .6rem; min-height: 2.5rem; }}
input {{ flex: 1; min-width: 8rem; }}
details {{ border-top: 1px solid var(--line); }}
summary {{ padding: .6rem 0; cursor: pointer; overflow-wrap: anywhere; }}
small {{ display: block; opacity: .75; }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; padding: .75rem; border: 1px solid var(--line); }}
</style>
<header><h1>Inbox <span>({count})</span></h1>
<form method="post" action="/clear"><button>Empty the inbox</button></form></header>
<form role="search"><input type="search" name="contains" value="{contains}" aria-label="Text to look for"
placeholder="Text to look for"><button>Search</button></form>
<main>{rows}</main>
</html>
"""

_ROW = """
<details><summary><strong>{subject}</strong><small>to {to} · <time>{received_at}</time></small></summary>
<pre>{text}</pre><p><a href="/messages/{id}/raw">source</a> · <a href="/messages/{id}">JSON</a></p></details>"""


def inbox_page(messages: list[Message], contains: str) -> str:
    """Newest first, the latest 200. Everything that came by mail is escaped."""
    newest = messages[::-1][:SHOWN]
    rows = "".join(_row(message) for message in newest) or "<p>No mail here.</p>"
    count = str(len(messages)) if len(messages) <= SHOWN else f"{SHOWN} of {len(messages)}"
    return _PAGE.format(count=count, contains=escape(contains), rows=rows)


def _row(message: Message) -> str:
    return _ROW.format(
        id=escape(message.id),
        subject=escape(message.subject) or "(no subject)",
        to=escape(", ".join(message.to)),
        received_at=escape(message.received_at),
        text=escape(message.text),
    )
