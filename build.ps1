#!/usr/bin/env pwsh
# ./build.ps1 <target> [arguments]: forwards to build.proj, which lists the targets.
# Properties are given as /p:Rid=win-x64: PowerShell would read -p: as a parameter of its own.
# Only `serve` is done here, so that Ctrl-C reaches the server itself:
#   ./build.ps1 serve [model folder] [arguments of `nanoflow serve`]
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
    { @('build', 'test', 'test-all', 'publish', 'format', 'bindings', 'clean') -ccontains $_ } {
      Invoke-Build "-t:$target" @rest
    }
    default {
      Write-Host "build.ps1: unknown target '$target'"
      Write-Host 'targets: build test test-all serve publish format bindings clean'
      exit 2
    }
  }
}
finally { Pop-Location }
