#!/usr/bin/env bash
# Pack what this package needs on a machine with a GPU and a PyTorch of its own, but no network: pure-Python wheels of
# constraints.txt and CamVid, into offline/ (kept out of git; about 42 MB with CamVid as WebP).
#
#     tools/pack_for_gpu.sh [CAMVID]        # here; CAMVID defaults to $CAMVID_ROOT, PYTHON to python3
#     . offline/enter.sh                    # there, in a copy of the checkout: installs the wheels, sets the paths
#     python benchmarks/on_gpu.py --minutes 9 --out DIR
#
# Expected there already: torch, numpy, opencv, scipy, matplotlib, pandas, pyyaml, rich, tqdm, pillow, regex, pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
camvid=${1:-${CAMVID_ROOT:?name the folder of CamVid, or set CAMVID_ROOT}}
pinned() { for name in "$@"; do sed -n "s/^\($name==[^; ]*\).*/\1/p" constraints.txt | grep . || echo "$name"; done; }
rm -rf offline && mkdir offline
# without compiled operators all of these are pure Python
MMCV_WITH_OPS=0 "${PYTHON:-python3}" -m pip wheel -q --no-deps -w offline \
    $(pinned onedl-mmengine onedl-mmcv onedl-mmsegmentation onedl-mmpretrain onedl-mim addict yapf termcolor \
      prettytable platformdirs tabulate markdown colorama click requests urllib3 idna certifi ftfy mat4py modelindex model-index ordered-set opendatalab wcwidth)
cp -rL "$camvid" offline/camvid
cat >offline/enter.sh <<IN
site=\$PWD/work_dirs/site
python3 -m pip install -q --no-index --no-deps --no-cache-dir --upgrade --target "\$site" offline/*.whl
export PYTHONPATH="\$site:\$PWD:\$PWD/custom_modules\${PYTHONPATH:+:\$PYTHONPATH}" PATH="\$site/bin:\$PATH"
export CAMVID_ROOT="\$PWD/offline/camvid" SEGFUSION_COMMIT=$(git rev-parse --short=9 HEAD) PYTHONUNBUFFERED=1
python3 -c 'import mmcv, mmengine, mmseg, torch; print("torch", torch.__version__, "mmseg", mmseg.__version__,
            torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no CUDA device")'
IN
du -sh offline
