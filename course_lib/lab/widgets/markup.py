"""HTML in one way, always escaped. Used by the widgets of lessons 01, 04, 07, 08."""

import json
from html import escape


def element(tag: str, *inside: str, **attributes: object) -> str:
    """An element: `inside` is markup as it stands (texts through `html.escape`), attributes are escaped here.

    `class_` is class and `data_key` is data-key; lists and dicts become JSON; None and False leave an attribute out.

    >>> element("b", "1 &lt; 2", class_="new", data_set={"step": 3}, title=None)
    '<b class="new" data-set="{&quot;step&quot;: 3}">1 &lt; 2</b>'
    """
    written = ""
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        text = json.dumps(value) if isinstance(value, (dict, list)) else str(value)
        written += f' {name.rstrip("_").replace("_", "-")}="{escape(text)}"'
    return f"<{tag}{written}>{''.join(inside)}</{tag}>"


def press(*inside: str, does: dict, **attributes: object) -> str:
    """A button that sets what `does` says."""
    return element("button", *inside, type="button", data_set=does, **attributes)


def plural(number: int, noun: str) -> str:
    """`1 merge`, `2 merges`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
