#!/bin/sh
# What was deployed has to be this release, and must not say that it is broken here.
set -eu
page="$CI_DEPLOY_FOLDER/$CI_ENVIRONMENT/first/index.html"
cat "$page"
grep -q "$CI_COMMIT_ID" "$page" || { echo "this is not release $CI_RELEASE"; exit 1; }
if grep -i "broken in $CI_ENVIRONMENT" "$page"; then
    echo "the page says itself that it is broken"
    exit 1
fi
echo "release $CI_RELEASE looks right in $CI_ENVIRONMENT"
