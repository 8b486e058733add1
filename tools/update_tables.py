"""Write the tables of result files into the pages that name them, so that no figure is typed twice.

    python tools/update_tables.py            # README.md, docs/, configs/*/README.md, projects/*/README.md

A page asks for a table by a pair of comments; what stands between them is replaced:

    <!-- table: benchmarks/results/limit.json inference -->
    <!-- end of table -->
"""
import json
import re
import sys
from pathlib import Path

from segfusion.diagnosis.race import markdown_table

ROOT = Path(__file__).resolve().parents[1]
PAGES = ('README.md', 'docs/**/*.md', 'configs/*/README.md', 'projects/*/README.md', 'benchmarks/README.md')
TABLE = re.compile(r'(<!-- table: (\S+) (\S+) -->\n).*?(<!-- end of table -->)', re.S)


def filled(text: str) -> str:
    """The page with its tables as the result files say."""

    def fill(match):
        path, name = match[2], match[3]
        content = json.loads((ROOT / path).read_text())
        if name not in content['tables']:
            raise KeyError(f'{path} has no table {name}; it has {", ".join(content["tables"])}')
        machine = content['machine']
        made = (f'`{content["command"]}`; {content["date"]}, {machine["device"]}, {machine["threads"]} threads, '
                f'torch {machine["PyTorch"]}')
        return f'{match[1]}{markdown_table(content["tables"][name])}\n\n{made}.\n{match[4]}'

    return TABLE.sub(fill, text)


def pages():
    for pattern in PAGES:
        for page in sorted(ROOT.glob(pattern)):
            if not {'generated', '_build'} & set(page.parts):
                yield page


def main() -> int:
    for page in pages():
        text = page.read_text()
        new = filled(text)
        if new != text:
            page.write_text(new)
            print(f'wrote {page.relative_to(ROOT)}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
