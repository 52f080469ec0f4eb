#!/bin/sh
# The API server over the embedded store under a load generator, whose project file is named by LOAD:
#   LOAD=…/load.csproj bench/apiserver/run.sh [ops] [further options of the generator]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
: "${LOAD:?set LOAD to the project file of the load generator}"
work=$(mktemp -d)
dotnet build -c Release -v q -o "$work/server" "$here/apiserver.csproj"
dotnet build -c Release -v q -o "$work/load" "$LOAD"
mkdir "$work/data"
dotnet "$work/server/Hanbae.Bench.ApiServer.dll" 0 "$work/kubeconfig" "$work/data" &
server=$!
trap 'kill $server 2>/dev/null || true; wait $server 2>/dev/null || true; rm -rf "$work"' EXIT
until [ -s "$work/kubeconfig" ]; do kill -0 $server; sleep 0.1; done
ops=${1:-ns,create,get,get,list,list,listpb,listpb,listsel,listsel,listtable,listtable,update,watch,delete}
[ $# -gt 0 ] && shift
dotnet "$work/load/$(basename "$LOAD" .csproj).dll" --kubeconfig "$work/kubeconfig" --pids $server --ops "$ops" "$@"
