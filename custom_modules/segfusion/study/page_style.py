"""Style sheet and script of the report: no font, image or script comes from elsewhere."""

# Colours: Okabe and Ito's, told apart with any colour vision; lightened on dark paper, darkened on light paper.
STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1f24; --soft: #5b6470; --line: #d9dee4; --panel: #f5f7f9;
  --good: #0b6e4f; --bad: #a8321c; --c0: #0068a8; --c1: #c95a00; --c2: #00805f; --c3: #b3528b; --c4: #8a6d00;
  --c5: #2b8fc4; --c6: #6b4fbb; --c7: #3b3f45; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171b; --ink: #e8ebee; --soft: #a2abb6; --line: #343b44;
  --panel: #1d2127; --good: #4fd1a5; --bad: #ff8f70; --c0: #56b4e9; --c1: #f0a13c; --c2: #35c79b; --c3: #e08bbd;
  --c4: #e6d24a; --c5: #8fb4ff; --c6: #b9a3ff; --c7: #c9ced6; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 28px 24px 80px; }
h1 { font-size: 27px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -.01em; }
h2 { font-size: 19px; margin: 44px 0 6px; }
h3 { font-size: 15px; margin: 22px 0 4px; }
p { margin: 6px 0 10px; max-width: 78ch; }
.lead { color: var(--soft); font-size: 17px; }
.soft, figcaption, .note { color: var(--soft); font-size: 13.5px; }
.tiles { display: flex; flex-wrap: wrap; gap: 12px; margin: 20px 0 8px; }
.tile { background: var(--panel); border-radius: 8px; padding: 10px 16px; min-width: 150px; }
.tile b { display: block; font-size: 22px; line-height: 1.25; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: 13px; }
.notes { border-left: 4px solid var(--c1); background: var(--panel); margin: 14px 0; padding: 8px 16px;
  border-radius: 0 8px 8px 0; }
.notes p { margin: 2px 0; }
.scroll { overflow-x: auto; margin: 8px 0; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; }
th, td { padding: 5px 8px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
th.words, td.words { text-align: left; }
thead th { white-space: normal; border-bottom: 2px solid var(--line); }
thead button { all: unset; cursor: pointer; }
thead button:focus-visible { outline: 2px solid var(--c0); }
thead button::after { content: " \\2195"; opacity: .35; }
thead th[aria-sort=ascending] button::after { content: " \\2191"; opacity: 1; }
thead th[aria-sort=descending] button::after { content: " \\2193"; opacity: 1; }
tr.base td { background: var(--panel); }
td.best { font-weight: 700; }
.sd { color: var(--soft); font-size: 12.5px; }
.up { color: var(--good); } .down { color: var(--bad); }
.tag { background: var(--c7); color: var(--paper); border-radius: 4px; font-size: 11.5px; padding: 1px 6px;
  margin-left: 6px; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(380px, 1fr)); gap: 18px; }
figure.narrow { max-width: 860px; }
figure { margin: 8px 0; }
svg { width: 100%; height: auto; display: block; overflow: visible; }
svg.swatch { width: 30px; height: 14px; display: inline-block; vertical-align: -2px; margin-right: 6px; }
svg text { fill: var(--ink); font: 12px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; }
svg .tick { fill: var(--soft); font-size: 11px; } svg .label { font-size: 12.5px; font-weight: 600; }
svg .words { font-size: 12.5px; } svg .mark { font-size: 11px; font-weight: 600; }
svg .grid { stroke: var(--line); stroke-width: 1; } svg .axis { stroke: var(--soft); stroke-width: 1.2; }
svg .baseline { stroke: var(--soft); stroke-width: 1.2; stroke-dasharray: 4 4; }
svg .front { fill: none; stroke: var(--soft); stroke-width: 1.2; opacity: .6; }
svg .whisker { stroke: var(--ink); stroke-width: 1.4; }
.classes { display: grid; grid-template-columns: repeat(auto-fill, minmax(215px, 1fr)); gap: 16px 22px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 26px; font-size: 13.5px; max-width: none; }
.keys b { margin-right: 10px; } .key { margin-right: 14px; white-space: nowrap; }
.patch { display: inline-block; width: 14px; height: 11px; border: 1px solid var(--soft); margin-right: 5px;
  vertical-align: -1px; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(170px, 1fr)); gap: 10px; }
.gallery .wide { grid-column: span 2; grid-row: span 2; }
.gallery img { width: 100%; display: block; image-rendering: pixelated; border-radius: 4px; }
.gallery img.photo { image-rendering: auto; }
.gallery figcaption { font-size: 12.5px; margin-top: 2px; }
.gallery figure { margin: 0; }
body.pick .series { opacity: .16; } body.pick .series.on { opacity: 1; }
tr.on td { background: var(--panel); }
details { margin: 8px 0; } summary { cursor: pointer; }
pre { background: var(--panel); border-radius: 8px; padding: 10px 14px; overflow-x: auto; font-size: 12.5px;
  line-height: 1.45; }
code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.fail { border-left: 4px solid var(--bad); padding-left: 14px; margin: 14px 0; }
@media print { main { max-width: none; } details { display: block; } }
"""

# Sort a table by a column; point at a row, or at its line in a chart, to see it everywhere.
SCRIPT = """
document.querySelectorAll('thead button').forEach(function (button) {
  button.addEventListener('click', function () {
    var head = button.closest('th'), body = head.closest('table').tBodies[0], at = head.cellIndex;
    var down = head.getAttribute('aria-sort') !== 'descending';
    head.parentNode.querySelectorAll('th').forEach(function (th) { th.removeAttribute('aria-sort'); });
    head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    var key = function (row) { return row.cells[at].dataset.value; };
    Array.from(body.rows).sort(function (a, b) {
      var x = key(a), y = key(b), n = parseFloat(x) - parseFloat(y);
      if (x === '' || y === '') return x === y ? 0 : x === '' ? 1 : -1;
      return (down ? -1 : 1) * (isNaN(n) ? x.localeCompare(y) : n);
    }).forEach(function (row) { body.appendChild(row); });
  });
});
document.querySelectorAll('[data-row]').forEach(function (item) {
  var all = Array.from(document.querySelectorAll('[data-row]')).filter(function (other) {
    return other.dataset.row === item.dataset.row;
  });
  item.addEventListener('mouseenter', function () {
    document.body.classList.add('pick');
    all.forEach(function (other) { other.classList.add('on'); });
  });
  item.addEventListener('mouseleave', function () {
    document.body.classList.remove('pick');
    all.forEach(function (other) { other.classList.remove('on'); });
  });
});
"""
