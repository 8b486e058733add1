#!/bin/sh
# Build the default stack with mmcv's compiled operators and mmdetection beside ours, and run there what is otherwise
# skipped: CCNet, PointRend, MaskFormer.
#
#   tools/compiled_ops.sh [folder of the environment, default .venv-ops] [arguments of pytest, default: those tests]
#
# onedl-mmcv's wheel holds no operators, its source distribution does: it compiles them if torch can be imported, so
# without build isolation (a C++20 compiler; about twenty minutes on two cores). torch 2.14 refuses C++17 ("C++20 or
# later compatible compiler is required"), which the set-up of mmcv 2.3.6 asks for by name: that one word is replaced.
# CCNet and PointRend need operators only to be importable, so a build for the CPU trains them on a GPU as well; with
# nvcc on the path operators for the GPU are compiled too.
set -eu
cd "$(dirname "$0")/.."
venv=${1:-.venv-ops}
[ $# -gt 0 ] && shift
mmcv=2.3.6 mmdet=3.5.1
if [ ! -e "$venv/.segfusion-installed" ]; then
    "${PYTHON:-python3.11}" -m venv "$venv"
    pip="$venv/bin/python -m pip"
    echo '[1/4] torch'
    $pip install --quiet --upgrade pip
    $pip install --quiet -c constraints.txt torch torchvision numpy ninja packaging 'setuptools>=80' wheel
    echo "[2/4] mmcv $mmcv, compiling"
    source=$(mktemp -d)
    trap 'rm -rf "$source"' EXIT
    $pip download --quiet --no-deps --no-build-isolation --no-binary onedl-mmcv -d "$source" onedl-mmcv==$mmcv
    tar -xzf "$source/onedl_mmcv-$mmcv.tar.gz" -C "$source"
    sed -i.before 's/std=c++17/std=c++20/' "$source/onedl_mmcv-$mmcv/setup.py"
    command -v nvcc > /dev/null || export CUDA_VISIBLE_DEVICES=-1
    MAX_JOBS=${MAX_JOBS:-$(nproc)} \
        $pip install --quiet --no-build-isolation -c constraints.txt "$source/onedl_mmcv-$mmcv"
    echo "[3/4] the rest of the stack, mmdetection $mmdet"
    $pip install --quiet -c constraints.txt -e '.[test]' onedl-mmdetection==$mmdet
    "$venv/bin/python" -c 'import mmcv.ops, mmdet.models'
    touch "$venv/.segfusion-installed"
fi
echo '[4/4] tests'
[ $# -gt 0 ] || set -- tests/test_compiled.py tests/test_configs.py -k 'ccnet or pointrend or maskformer or compiled'
exec "$venv/bin/python" -m pytest -n "${JOBS:-$(nproc)}" --dist worksteal -q -rs "$@"
