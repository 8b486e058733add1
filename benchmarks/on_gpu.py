"""Tests, speed and trainings on a GPU, in the minutes that are given; the same command goes on with what is not done.

    python benchmarks/on_gpu.py --minutes 9 --out DIR            # tests/gpu, speed, CamVid from scratch
    python benchmarks/on_gpu.py --minutes 60 --out DIR --parts train --members '*_seed0' '*_seed1'
    python benchmarks/on_gpu.py --minutes 5 --out DIR --rehearse # all of it on the processor, tiny

DIR holds results.json and results.md, which say how each part ended, with all tables; speed.json and training.json,
tests.xml, log.txt; checkpoints go to DIR/state (--state), gigabytes that must stay for the trainings to go on. From
there to the pages:

    cp DIR/results.json benchmarks/results/gpu.json
    python tools/study.py projects/camvid_classics --merge DIR/training.json --report-only --publish
    python tools/update_metafiles.py && python tools/update_tables.py

No network is used. CamVid is read from CAMVID_ROOT; tools/pack_for_gpu.sh packs it, and wheels, for such a machine.
"""
import sys

from segfusion import register_all
from segfusion.study.on_gpu import main

if __name__ == '__main__':
    register_all()
    sys.exit(main())
