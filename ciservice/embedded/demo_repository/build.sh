#!/bin/sh
# Put the page together.
set -eu
mkdir -p out
sed "s/COMMIT/${CI_COMMIT_ID:-unknown}/" site/index.html > out/index.html
printf '\033[32mbuilt\033[0m out/index.html (%s bytes)\n' "$(wc -c < out/index.html)"
