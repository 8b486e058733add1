"""Write what result files say into the pages that show it, so that no figure is typed twice.

    python tools/update_tables.py            # README.md, docs/, configs/*/README.md, projects/*/README.md

A page asks for a table of a benchmark or of a study by a pair of comments; what stands between them is replaced:

    <!-- table: benchmarks/results/limit.json inference -->
    <!-- end of table -->

In a method's README the column mIoU gets the score of every config that a study in projects/ has trained as it stands,
in front of what is typed there, such as a figure of the paper.
"""
import json
import re
import sys
from pathlib import Path

from segfusion.diagnosis.race import markdown_table
from segfusion.study.records import trained_configs

ROOT = Path(__file__).resolve().parents[1]
PAGES = ('README.md', 'docs/**/*.md', 'configs/*/README.md', 'projects/*/README.md', 'benchmarks/README.md')
TABLE = re.compile(r'(<!-- table: (\S+) (\S+) -->\n).*?(<!-- end of table -->)', re.S)
CONFIG = re.compile(r'\[config\]\((?:\S*/)?([^/\s]+)\.py\)')
OURS = re.compile(r'^\*\*[^*]*\*\* \([^)]*\]\([^)]*\)\)(; )?')  # what with_scores has written before


def filled(text: str) -> str:
    """The page with its tables as the result files say."""

    def fill(match):
        path, name = match[2], match[3]
        content = json.loads((ROOT / path).read_text())
        if name not in content['tables']:
            raise KeyError(f'{path} has no table {name}; it has {", ".join(content["tables"])}')
        return f'{match[1]}{markdown_table(content["tables"][name])}\n\n{made(content)}.\n{match[4]}'

    return TABLE.sub(fill, text)


def made(content: dict) -> str:
    """Command, date and machine in a line; studies say it themselves."""
    if 'made' in content:
        return content['made']
    machine = content['machine']
    return (f'`{content["command"]}`; {content["date"]}, {machine["device"]}, {machine["threads"]} threads, '
            f'torch {machine["PyTorch"]}')


def with_scores(text: str, scores: dict) -> str:
    """A method's README with our mIoU in the rows of the configs that were trained."""
    lines, column = text.split('\n'), None
    for number, line in enumerate(lines):
        cells = line.split(' | ')
        if not line.startswith('| '):
            column = None
        elif 'mIoU' in cells:
            column = cells.index('mIoU')
        config = CONFIG.search(line)
        if column is None or not config or len(cells) <= column:
            continue
        typed = OURS.sub('', cells[column]) or '-'
        ours = scores.get(config[1])
        cells[column] = typed if ours is None else ours.text + ('' if typed == '-' else f'; {typed}')
        lines[number] = ' | '.join(cells)
    return '\n'.join(lines)


def page_text(page: Path) -> str:
    """What a page should say."""
    text = filled(page.read_text())
    return with_scores(text, trained_configs(ROOT / 'projects')) if page.parent.parent.name == 'configs' else text


def pages():
    for pattern in PAGES:
        for page in sorted(ROOT.glob(pattern)):
            if not {'generated', '_build'} & set(page.parts):
                yield page


def main() -> int:
    for page in pages():
        new = page_text(page)
        if new != page.read_text():
            page.write_text(new)
            print(f'wrote {page.relative_to(ROOT)}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
