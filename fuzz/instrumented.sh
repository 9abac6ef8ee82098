#!/usr/bin/env bash
# RUSTC_WRAPPER for the target `answers`: counts edges only where an answer is taken apart and read. Counting those of the
# whole SDK, which are millions, makes the build take twice and each execution three times as long.
set -euo pipefail

readonly COUNTED=' (axon_[a-z_]+|answers|aws_sdk_(autoscaling|ecs|ssm)|aws_smithy_(json|xml)|xmlparser) '

rustc=$1
shift
arguments=()
for argument in "$@"; do
    case $argument in
    -Cpasses=sancov-module | -Cllvm-args=-sanitizer-coverage-*)
        [[ " $* " =~ \ --crate-name$COUNTED ]] || continue
        ;;
    esac
    arguments+=("$argument")
done
exec "$rustc" "${arguments[@]}"
