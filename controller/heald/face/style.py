"""How the status page looks, in the light and in the dark, and what a browser may do with it: nothing but that."""

import base64
import hashlib

from heald.face import chart

STYLE = chart.STYLE + """\
:root{color-scheme:light dark;--back:#fbfbfa;--text:#1d2125;--soft:#565d66;--rule:#d6d9dd;--lane:#eef0f2;--grid:#c9ced4;
--line:#1f5fa8;--fill:#1f5fa82e;--issues:#a35a00;--done:#0b7a4b;--not:#b3261e;--critical:#b3261e;--high:#b3261e;
--medium:#8a5300;--low:#1f5fa8;--well:#0b7a4b}
@media(prefers-color-scheme:dark){:root{--back:#15181b;--text:#e3e6e9;--soft:#a2aab3;--rule:#363c43;--lane:#1f2428;
--grid:#3d444b;--line:#7db4f0;--fill:#7db4f02e;--issues:#e0a458;--done:#4cc38a;--not:#ff8a80;--critical:#ff8a80;
--high:#ff8a80;--medium:#f0b866;--low:#7db4f0;--well:#4cc38a}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:60rem;padding:1rem;background:var(--back);color:var(--text);
font:1rem/1.45 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.6rem;margin:.4rem 0}h2{font-size:1.15rem;margin:2rem 0 .5rem}
p{margin:.3rem 0}.soft,figcaption,caption,footer{color:var(--soft);font-size:.9rem;font-weight:400}
a{color:var(--line)}.well{color:var(--well)}
.critical{color:var(--critical)}.high{color:var(--high)}.medium{color:var(--medium)}.low{color:var(--low)}
.mark{font-weight:600;white-space:nowrap}
table{border-collapse:collapse;width:100%}caption{text-align:left;padding-bottom:.3rem}
th,td{text-align:left;vertical-align:top;padding:.4rem .6rem .4rem 0;border-bottom:1px solid var(--rule)}
th{font-weight:600}thead th{color:var(--soft);font-size:.85rem;white-space:nowrap}
time{white-space:nowrap}
figure{margin:0}.lanes{display:grid;grid-template-columns:max-content 1fr;gap:.4rem .7rem;align-items:center}
.hours{grid-column:2;display:flex;justify-content:space-between;margin-top:-.3rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;margin:0}dd{margin:0}dt{color:var(--soft)}
footer{margin-top:2.5rem}
@media(max-width:34rem){.wide{display:none}h1{font-size:1.35rem}
table,caption,tbody{display:block}thead{position:absolute;clip-path:inset(50%)}
tr{display:flex;flex-wrap:wrap;gap:.1rem .8rem;padding:.5rem 0;border-bottom:1px solid var(--rule)}
td,th{border:0;padding:0}th[scope=row]{flex-basis:100%;order:-1}}
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
_RULES = ("default-src 'none'", f"style-src 'sha256-{_HASH}'", "base-uri 'none'", "form-action 'none'",
          "frame-ancestors 'none'")
POLICY = (f"Content-Security-Policy: {'; '.join(_RULES)}",)
"""For the head of the answer: nothing is loaded, nothing runs, nothing but our own style holds."""
