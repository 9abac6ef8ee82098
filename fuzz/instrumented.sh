#!/usr/bin/env bash
# RUSTC_WRAPPER for the target `answers`: counts edges only where an answer is taken apart and read. With those of aws-sdk-ec2
# the build did not end within half an hour, those of the other SDKs are mostly builders, and those of everything else that a call
# passes through teach the fuzzer nothing.
set -euo pipefail

readonly COUNTED=' (axon_aws|answers|aws_smithy_(json|xml)|xmlparser) '

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
