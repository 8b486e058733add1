#!/bin/sh
# Build the default stack with mmcv's compiled operators and mmdetection beside ours, and run there what is otherwise
# skipped: CCNet, PointRend, MaskFormer.
#
#   tools/compiled_ops.sh [folder of the environment, default .venv-ops] [arguments of pytest, default: those tests]
#
# onedl-mmcv's wheel holds no operators, its source distribution does: it compiles them if torch can be imported, so
# without build isolation (a C++20 compiler; half an hour on one core). torch 2.14 refuses C++17 ("C++20 or later
# compatible compiler is required"), which mmcv 2.3.6 asks its compiler for by name: that one word is replaced. Where
# there is no nvcc the operators are built for the CPU, also beside a GPU: the three networks compute with plain PyTorch
# and only import them. mmdetection brings opencv-python-headless beside opencv-python; constraints.txt keeps both at
# one version, so that it does not matter whose files are there (the doctor warns all the same).
set -eu
cd "$(dirname "$0")/.."
venv=${1:-.venv-ops}
[ $# -gt 0 ] && shift
mmcv=$(sed -n 's/^onedl-mmcv==\([0-9.]*\).*/\1/p' constraints.txt)
if [ ! -e "$venv/.segfusion-installed" ]; then
    "${PYTHON:-python3.11}" -m venv "$venv"
    pip="$venv/bin/python -m pip"
    echo '[1/4] torch'
    $pip install --quiet --upgrade pip
    $pip install --quiet -c constraints.txt torch torchvision numpy ninja packaging 'setuptools>=80' wheel
    echo "[2/4] mmcv $mmcv, compiling"
    source=$(mktemp -d)
    trap 'rm -rf "$source"' EXIT
    $pip download --quiet --no-deps --no-build-isolation --no-binary onedl-mmcv -d "$source" "onedl-mmcv==$mmcv"
    tar -xzf "$source/onedl_mmcv-$mmcv.tar.gz" -C "$source"
    sed -i.before 's/std=c++17/std=c++20/' "$source/onedl_mmcv-$mmcv/setup.py"
    [ -n "${CUDA_HOME:-}" ] || command -v nvcc > /dev/null || export CUDA_VISIBLE_DEVICES=-1
    MAX_JOBS=${MAX_JOBS:-$(nproc)} \
        $pip install --quiet --no-build-isolation -c constraints.txt "$source/onedl_mmcv-$mmcv"
    rm -rf "$source"
    echo '[3/4] the rest of the stack, mmdetection'
    $pip install --quiet -c constraints.txt -e '.[test,mmdet]'
    "$venv/bin/python" -W ignore -c 'import mmcv.ops, mmdet.models'
    touch "$venv/.segfusion-installed"
fi
echo '[4/4] tests'
[ $# -gt 0 ] || set -- tests/test_compiled.py tests/engine/test_optional.py tests/test_configs.py \
    -k 'compiled or optional or ccnet or pointrend or maskformer'
exec "$venv/bin/python" -m pytest -n "${JOBS:-$(nproc)}" --dist worksteal -q -rs "$@"
