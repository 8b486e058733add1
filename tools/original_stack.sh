#!/bin/sh
# Build the original OpenMMLab environment beside ours and run the test suite in it.
#
#   tools/original_stack.sh [folder of the environment, default .venv-original] [arguments of pytest]
#
# mmsegmentation 1.2.2 accepts no newer mmcv than 2.1, which has no wheel for Python 3.11: it is compiled from source,
# with its operators (a C++ compiler and about ten minutes on two cores). torch 2.1 predates NumPy 2, and
# mmengine 0.10.7 and openmim 0.3.9 still import pkg_resources, which setuptools 82 removed.
set -eu
cd "$(dirname "$0")/.."
venv=${1:-.venv-original}
[ $# -gt 0 ] && shift
pin='numpy<2 setuptools<70'
if [ ! -e "$venv/.segfusion-installed" ]; then
    "${PYTHON:-python3.11}" -m venv "$venv"
    pip="$venv/bin/python -m pip install --quiet"
    echo '[1/4] torch 2.1.2'
    $pip --upgrade pip
    $pip wheel ninja $pin torch==2.1.2 torchvision==0.16.2
    echo '[2/4] mmcv 2.1.0, compiling'
    MMCV_WITH_OPS=1 FORCE_CUDA=${FORCE_CUDA:-0} MAX_JOBS=${MAX_JOBS:-$(nproc)} \
        $pip --no-build-isolation --no-binary mmcv $pin mmcv==2.1.0
    echo '[3/4] mmsegmentation 1.2.2, mmengine 0.10.7, mmpretrain 1.2.0, mmdet 3.3.0, openmim 0.3.9'
    $pip $pin mmengine==0.10.7 mmsegmentation==1.2.2 mmpretrain==1.2.0 mmdet==3.3.0 openmim==0.3.9 ftfy regex \
        onnx onnxruntime timm h5py pytest pytest-xdist
    $pip 'setuptools>=62.6,<70'  # openxlab, which openmim brings, had put 60 there: too old for our setup.cfg
    $pip --no-deps -e .
    touch "$venv/.segfusion-installed"
fi
echo '[4/4] tests'
exec "$venv/bin/python" -m pytest -n "${JOBS:-$(nproc)}" --dist worksteal -q "$@"
