#!/usr/bin/env bash
# ./build.sh <target> [arguments]: forwards to build.proj, which lists the targets.
# Only `serve` is done here, so that Ctrl-C reaches the server itself:
#   ./build.sh serve [model folder] [arguments of `nanoflow serve`]
set -euo pipefail
cd "$(dirname "$0")"

target=${1:-build}
if [ $# -gt 0 ]; then shift; fi

msbuild() { dotnet msbuild build.proj -nologo -v:m -tl:off "$@"; }

case $target in
  serve)
    case ${1:-} in '' | -*) set -- samples/storyteller "$@" ;; esac
    msbuild -t:executable
    exec src/NanoFlow/bin/Release/net10.0/nanoflow serve "$@"
    ;;
  build | test | test-all | publish | format | bindings | clean)
    msbuild "-t:$target" "$@"
    ;;
  *)
    echo "build.sh: unknown target '$target'" >&2
    echo "targets: build test test-all serve publish format bindings clean" >&2
    exit 2
    ;;
esac
