#!/usr/bin/env bash
# ./build.sh <target> [arguments]: forwards to build.proj. Its twin on Windows is build.ps1.
#
#   build, publish, device-kit, format, bindings, clean    see build.proj; arguments go to MSBuild
#   test        builds, then runs every test; the last line is "N passed, N failed, N skipped"
#   test-all    the same with large counts, native tests under sanitizers, and style checks
#   serve [model folder] [arguments of `nanoflow serve`]    the sample model by default
#
# What runs a program runs it from here, not from MSBuild, so that Ctrl-C and its output are its own.
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
  test)
    msbuild -t:build
    exec cmake -P eng/test.cmake
    ;;
  test-all)
    msbuild -t:build
    exec cmake -DALL=ON -P eng/test.cmake
    ;;
  build | publish | device-kit | format | bindings | clean)
    msbuild "-t:$target" "$@"
    ;;
  *)
    echo "build.sh: unknown target '$target'" >&2
    echo "targets: build test test-all serve publish device-kit format bindings clean" >&2
    exit 2
    ;;
esac
