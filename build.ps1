#!/usr/bin/env pwsh
# ./build.ps1 <target> [arguments]: forwards to build.proj. The twin of build.sh, which says what
# each target does. Properties of MSBuild are given as /p:Rid=win-x64: PowerShell would read -p: as
# a parameter of its own.
Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'

$target = 'build'
$rest = @()
if ($args.Count -gt 0) { $target = $args[0] }
if ($args.Count -gt 1) { $rest = @($args[1..($args.Count - 1)]) }

function Invoke-Build {
  & dotnet msbuild build.proj -nologo '-v:m' '-tl:off' @args
  if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
}

Push-Location $PSScriptRoot
try {
  switch -CaseSensitive ($target) {
    'serve' {
      if ($rest.Count -eq 0 -or "$($rest[0])".StartsWith('-')) {
        $rest = @('samples/storyteller') + $rest
      }
      Invoke-Build '-t:executable'
      $program = 'src/NanoFlow/bin/Release/net10.0/nanoflow'
      if ($env:OS -eq 'Windows_NT') { $program = "$program.exe" }
      & "./$program" serve @rest
      exit $LASTEXITCODE
    }
    'test' {
      Invoke-Build '-t:build'
      & cmake -P eng/test.cmake
      exit $LASTEXITCODE
    }
    'test-all' {
      Invoke-Build '-t:build'
      & cmake '-DALL=ON' -P eng/test.cmake
      exit $LASTEXITCODE
    }
    { @('build', 'publish', 'device-kit', 'format', 'bindings', 'clean') -ccontains $_ } {
      Invoke-Build "-t:$target" @rest
    }
    default {
      Write-Host "build.ps1: unknown target '$target'"
      Write-Host 'targets: build test test-all serve publish device-kit format bindings clean'
      exit 2
    }
  }
}
finally { Pop-Location }
