#!/usr/bin/env bash
# Builds the Collector of builder.yaml: build.sh OUT. Needs Go and its module proxy; about 90 s where nothing is cached.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(realpath --canonicalize-missing "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# From the proxy alone: what it has not would be looked for in repositories, which takes long.
GOPROXY=$(go env GOPROXY | sed 's/,direct$//')
export GOPROXY
GOBIN=$folder go install go.opentelemetry.io/collector/cmd/builder@v0.155.0
mkdir sources
sed "s|^dist:|dist:\n  output_path: $folder/sources|" "$here/builder.yaml" >builder.yaml
# Only the sources: for the rest it would run `go mod tidy`, which also wants the modules of the modules' tests.
./builder --skip-get-modules --skip-compilation --config builder.yaml
cd sources
{
  printf 'module go.opentelemetry.io/collector/cmd/builder\n\ngo 1.25.0\n\nrequire (\n'
  sed -n 's/^ *- gomod: */\t/p' "$here/builder.yaml"
  printf '\tgo.opentelemetry.io/collector/otelcol v0.155.0\n)\n'
} >go.mod
rm -f go.sum
go build -mod=mod -trimpath -ldflags='-s -w' -o "$out" .
