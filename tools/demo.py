"""The whole loop on two cores: draw scenes, train SFNet, test it, write a table and images to work_dirs/demo.

The last image shows the network of two minutes beside the one that is shipped, trained to the end on such scenes.
"""
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / 'configs' / 'sfnet' / 'sfnet_r18_1xb4-demo_street-scenes-128x192.py'
WORK_DIR = ROOT / 'work_dirs' / 'demo'


def run(step: str, *command: str) -> None:
    print(f'\n[demo {time.perf_counter() - START:4.0f} s] {step}', flush=True)
    subprocess.run([sys.executable, *command], cwd=ROOT, check=True)


def main() -> None:
    if WORK_DIR.exists():  # never overwritten: an earlier demo moves aside
        kept = WORK_DIR.with_name(f'demo-{time.strftime("%Y%m%d-%H%M%S", time.localtime(WORK_DIR.stat().st_mtime))}')
        WORK_DIR.rename(kept)
        print(f'kept the earlier demo as {kept}')
    checkpoint = str(WORK_DIR / 'last.pth')
    run('1/5 draw the scenes', 'tools/browse_dataset.py', str(CONFIG), '--out', str(WORK_DIR / 'scenes.png'))
    run('2/5 train', '-m', 'mim', 'train', 'mmseg', str(CONFIG), '--work-dir', str(WORK_DIR))
    newest = (WORK_DIR / 'last_checkpoint').read_text().strip()
    Path(newest).replace(checkpoint)
    run('3/5 test', '-m', 'mim', 'test', 'mmseg', str(CONFIG), '--checkpoint', checkpoint, '--work-dir',
        str(WORK_DIR / 'test'))
    run('4/5 draw', 'tools/inspect_fusion.py', str(CONFIG), checkpoint, '--out', str(WORK_DIR / 'images'))
    from segfusion.deploy import find_shipped
    shipped = find_shipped('street')
    run('5/5 draw it beside the shipped network', 'tools/inspect_fusion.py', str(shipped.config_file),
        str(shipped.checkpoint), '--beside', str(CONFIG), checkpoint, '--names', 'this demo', 'shipped', '--out',
        str(WORK_DIR / 'beside'))
    from segfusion.study.report_markdown import scores_table
    table = scores_table(WORK_DIR / 'test')
    (WORK_DIR / 'results.md').write_text(table + '\n')
    print(f'\n{table}\n\nwrote {WORK_DIR / "results.md"} and {WORK_DIR / "beside" / "0000.png"} '
          f'in {time.perf_counter() - START:.0f} s; shipped: {shipped}')


if __name__ == '__main__':
    START = time.perf_counter()
    try:
        main()
    except (subprocess.CalledProcessError, ImportError, OSError) as error:
        print(f'\n[demo] failed: {error}\n[demo] looking for the cause: python tools/doctor.py\n', flush=True)
        subprocess.run([sys.executable, 'tools/doctor.py', str(CONFIG)], cwd=ROOT)
        sys.exit(1)
