#!/usr/bin/env bash
# scheduler_perf's workloads by a program that is built as hanbae is, precompiled, so that what is measured is what users run:
#   bench/scheduler/run.sh [part of a workload's name] [runs (1)] [--bare]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$here/../../.out/bench-scheduler
case $(uname -m) in aarch64) rid=linux-arm64 ;; *) rid=linux-x64 ;; esac
mkdir -p "$out"
dotnet publish "$here" -c Release -r $rid --no-self-contained -p:PublishReadyToRun=true -o "$out" -v q -nologo >"$out/build.log" || { cat "$out/build.log" >&2; exit 1; }
exec dotnet "$out/Hanbae.Bench.Scheduler.dll" "$@"
