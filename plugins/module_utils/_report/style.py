# Copyright (c) 2026, the bahnvision.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The style sheet of every page: dark and light, phone and paper, nothing loaded from anywhere."""

from __future__ import annotations

CSS = """
:root {
  color-scheme: light dark; --page: #f4f5f7; --card: #ffffff; --text: #1b1f24; --soft: #57606a; --line: #d8dde3;
  --link: #0a58ca; --track: #e8ebef; --pass: #1a7f37; --fail: #c21d2b; --warn: #8f5a00; --info: #0a58ca;
  --skip: #57606a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1318; --card: #171c23; --text: #e4e8ed; --soft: #9aa5b1; --line: #2c343e; --link: #79b8ff;
    --track: #242b34; --pass: #4cc46a; --fail: #ff7b83; --warn: #e3b04b; --info: #79b8ff; --skip: #9aa5b1;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; -webkit-text-size-adjust: 100%;
}
.sheet { max-width: 62rem; margin: 0 auto; padding: 2.2rem 1.25rem 3rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 1.15rem; line-height: 1.3; margin: 0 0 .6rem; }
p { margin: 0 0 .7rem; max-width: 48rem; overflow-wrap: anywhere; }
a { color: var(--link); }
.kicker {
  color: var(--soft); font-size: .8rem; letter-spacing: .06em; text-transform: uppercase; margin: 0 0 .35rem;
}
.subtitle, .note { color: var(--soft); }
.subtitle { font-size: 1.05rem; margin: .35rem 0 0; }
.note { font-size: .88rem; }
th .note { display: block; font-weight: 400; }
.verdict {
  display: flex; gap: .9rem; align-items: baseline; flex-wrap: wrap; margin: 1.4rem 0 0; padding: .95rem 1.1rem;
  background: var(--card); border: 1px solid var(--line); border-left: .4rem solid var(--tone);
  border-radius: .5rem; font-size: 1.08rem;
}
.verdict { max-width: none; }
.verdict strong { color: var(--tone); font-size: 1.15rem; }
.verdict span { flex: 1 1 18rem; overflow-wrap: anywhere; }
.pass { --tone: var(--pass); }
.fail { --tone: var(--fail); }
.warn { --tone: var(--warn); }
.info { --tone: var(--info); }
.skip { --tone: var(--skip); }
.copy { --tone: var(--info); }
.index { --tone: var(--warn); }
.finish { --tone: var(--skip); }
.badge {
  display: inline-block; color: var(--tone); border: 1px solid currentColor; border-radius: 1rem; padding: 0 .55rem;
  font-size: .78rem; font-weight: 600; line-height: 1.45; white-space: nowrap;
}
section, .facts-card {
  background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1.1rem; margin: 1.1rem 0 0;
}
nav { margin: 1.1rem 0 0; font-size: .92rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; list-style: none; margin: 0; padding: 0; }
dl.facts {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(13.5rem, 1fr)); gap: .9rem 1.4rem; margin: 0;
}
dt { color: var(--soft); font-size: .82rem; }
dd { margin: 0; font-weight: 500; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th, td {
  text-align: left; padding: .42rem .7rem .42rem 0; border-bottom: 1px solid var(--line); vertical-align: top;
}
thead th { color: var(--soft); font-weight: 500; font-size: .82rem; vertical-align: bottom; }
tbody th { font-weight: 500; }
tfoot th, tfoot td { font-weight: 700; border-bottom: 0; border-top: 2px solid var(--line); }
tbody tr:last-child > * { border-bottom: 0; }
th:last-child, td:last-child { padding-right: 0; }
.number { text-align: right; white-space: nowrap; }
.number + td:not(.number), .number + th:not(.number) { padding-left: .6rem; }
thead .number { white-space: normal; }
.chart { width: 45%; min-width: 7rem; padding-left: .9rem; }
svg { display: block; margin-top: .22rem; }
.track { fill: var(--track); }
.bar { fill: var(--tone); }
.lane { width: 85%; }
.lane .bar { stroke: var(--card); }
.lane .bar:hover { stroke: var(--text); }
h3 { font-size: .98rem; margin: 1.1rem 0 .4rem; }
td time { white-space: nowrap; }
details.rule { border-left: .25rem solid var(--tone); margin: .6rem 0; padding: .15rem 0 .15rem .8rem; }
summary { cursor: pointer; overflow-wrap: anywhere; }
details.rule ul { margin: .3rem 0; padding-left: 1.1rem; }
details.rule li { margin: .3rem 0; overflow-wrap: anywhere; }
.todo { color: var(--soft); }
footer { color: var(--soft); font-size: .85rem; margin-top: 1.6rem; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
@media (max-width: 36rem) {
  .sheet { padding: 1.2rem .8rem 2rem; }
  h1 { font-size: 1.4rem; }
  section, .facts-card { padding: .85rem; }
  dl.facts { grid-template-columns: 1fr 1fr; gap: .7rem 1rem; }
  table { font-size: .85rem; }
  tbody th { overflow-wrap: anywhere; min-width: 6.5rem; }
  td time { white-space: normal; }
  .chart { width: 30%; min-width: 4rem; }
}
@media print {
  :root {
    color-scheme: light; --page: #fff; --card: #fff; --text: #000; --soft: #444; --line: #bbb; --track: #e4e4e4;
    --pass: #0f6b2b; --fail: #a30f1d; --warn: #7a4b00; --info: #0a4396; --skip: #444; --link: #000;
  }
  body { font-size: 10.5pt; }
  .sheet { max-width: none; padding: 0; }
  nav { display: none; }
  .scroll { overflow: visible; }
  section, .facts-card, .verdict { border-color: #bbb; }
  tr, .facts-card, .verdict { break-inside: avoid; }
  h2 { break-after: avoid; }
  .bar, .track, .verdict { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
""".strip()
