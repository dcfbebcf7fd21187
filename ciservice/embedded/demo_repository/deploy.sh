#!/bin/sh
# Bring the page to its environment's folder; a real project would copy it to its servers here.
# Visitors are of two kinds: those who see what is new first (in "first"), and all others.
set -eu
./build.sh
place="$CI_DEPLOY_FOLDER/$CI_ENVIRONMENT"

put() {
    mkdir -p "$1"
    cp out/index.html "$1/index.html.new"
    mv "$1/index.html.new" "$1/index.html"
}

put "$place/first"
if [ "$CI_ROLLOUT_PERCENT" = 100 ]; then
    put "$place"
fi
echo "release $CI_RELEASE is in $place for $CI_ROLLOUT_PERCENT % of its visitors"
