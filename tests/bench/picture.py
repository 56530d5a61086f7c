"""The repair times as an SVG, readable on light and on dark."""

from html import escape

ROW, LEFT, WIDTH = 30, 190, 420
STYLE = ("text{font:13px system-ui,sans-serif;fill:#222}rect{fill:#7a8594}.ours{fill:#0b7a4b}"
         "@media(prefers-color-scheme:dark){text{fill:#ddd}rect{fill:#8b96a5}.ours{fill:#3fb983}}")


def bars(times: dict[str, float], title: str) -> str:
    """One bar for each name: ms."""
    most = max(times.values())
    size = f'width="{LEFT + WIDTH + 90}" height="{ROW * (len(times) + 1) + 14}"'
    rows = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(title)}">',
            f'<style>{STYLE}</style><text x="8" y="20">{escape(title)}</text>']
    for place, (name, ms) in enumerate(times.items(), 1):
        y, wide = place * ROW + 6, max(2, round(WIDTH * ms / most))
        kind = ' class="ours"' if name.startswith("heald") else ""
        rows.append(f'<text x="{LEFT - 10}" y="{y + 14}" text-anchor="end">{escape(name)}</text>'
                    f'<rect{kind} x="{LEFT}" y="{y}" width="{wide}" height="20" rx="2"/>'
                    f'<text x="{LEFT + wide + 8}" y="{y + 14}">{ms:g} ms</text>')
    return "\n".join([*rows, "</svg>\n"])
