#!/usr/bin/env bash
# Prepares a root file system with busybox and this machine's Python that runs servant.py: servant.sh FOLDER
set -euo pipefail
root=${1:?usage: servant.sh FOLDER} here=$(dirname "$(readlink -f "$0")")
"$here/../../../examples/images/busybox.sh" "$root"
python=$(readlink -f /usr/bin/python3) library=/usr/lib/$(basename "$(readlink -f /usr/bin/python3)")
mkdir -p "$root/usr/bin" "$root$library"
cp "$python" "$root/usr/bin/python3"
tar -C "$library" -c --exclude='./config-*' --exclude=./test --exclude=./idlelib --exclude=./lib2to3 --exclude=./pydoc_data --exclude=./ensurepip --exclude=./distutils \
    --exclude=./unittest --exclude=./tkinter --exclude=./asyncio --exclude=./xml --exclude=./multiprocessing . | tar -C "$root$library" -x
ldd "$python" "$library"/lib-dynload/_ssl*.so "$library"/lib-dynload/_hashlib*.so | grep -o '/[^ ]*' | grep -v ':$' | sort -u | while read -r file; do
    mkdir -p "$root$(dirname "$file")"
    cp -Ln "$file" "$root$file"
done
cp "$here/servant.py" "$root/servant.py"
