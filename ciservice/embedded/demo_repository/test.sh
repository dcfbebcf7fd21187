#!/bin/sh
# The page must greet.
set -eu
for word in Hello world; do
    printf 'looking for "%s" ... ' "$word"
    grep -q "$word" site/index.html
    printf '\033[32mok\033[0m\n'
done
