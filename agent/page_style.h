#pragma once

// The style sheet of the page for people: light and dark, wide and narrow.

namespace nodedevice {

inline constexpr char kPageStyle[] = R"css(
:root { color-scheme: light dark; --line: #d8dde3; --soft: #f4f6f8; --text: #1c2530;
  --dim: #5b6876; --good: #1a7f4b; --wait: #8a6100; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --line: #38424d; --soft: #202830; --text: #e6ebf0;
  --dim: #9dabb8; --good: #5fd08f; --wait: #e6b450; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 70rem; color: var(--text);
  font: 16px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: .2rem 0 1rem; } h2 { font-size: 1.1rem; margin: 1.6rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1rem 0 .3rem; overflow-wrap: anywhere; }
.card { background: var(--soft); border: 1px solid var(--line); border-radius: .5rem;
  padding: .7rem .9rem; margin: .5rem 0; overflow-wrap: anywhere; }
.alert { border-left: .35rem solid var(--bad); }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
td { overflow-wrap: anywhere; }
th { color: var(--dim); font-weight: 600; }
.good { color: var(--good); font-weight: 600; } .wait { color: var(--wait); font-weight: 600; }
.bad { color: var(--bad); font-weight: 600; } .dim { color: var(--dim); }
pre { white-space: pre-wrap; margin: .4rem 0 0; font-size: .88rem; }
@media (max-width: 45rem) {
  table, tbody, tr, td { display: block; } thead { display: none; }
  tr { border-bottom: 1px solid var(--line); padding: .4rem 0; }
  td { border: 0; padding: .1rem 0 .1rem 6rem; position: relative; }
  td::before { content: attr(data-label); position: absolute; left: 0; color: var(--dim); } }
footer { margin-top: 2rem; font-size: .85rem; }
)css";

}  // namespace nodedevice
