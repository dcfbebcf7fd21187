#!/bin/sh
# Bring the page to its environment's folder; a real project would copy it to a server here.
set -eu
./build.sh
target="$CI_DEPLOY_FOLDER/$CI_ENVIRONMENT"
mkdir -p "$target"
cp out/index.html "$target/index.html.new"
mv "$target/index.html.new" "$target/index.html"
echo "release $CI_RELEASE is in $target"
