#!/bin/sh
# Judge a share by what users get of it: wait until the servers of this release have given $1 answers, and count those that failed.
set -eu
for second in $(seq 60); do
    counted=$(wget -q -O - "$FIGURES" | awk -F, -v mine="-r$CI_RELEASE-" '
        NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i }
        index($2, mine) { all += $column["hrsp_2xx"] + $column["hrsp_5xx"]; failed += $column["hrsp_5xx"] }
        END { print all + 0, failed + 0 }')
    answers=${counted% *} failed=${counted#* }
    if [ "$answers" -ge "$1" ] || [ "$failed" -gt 0 ]; then break; fi
    sleep 1
done
echo "release $CI_RELEASE: $answers answers, $failed of them failed"
[ "$answers" -ge "$1" ] && [ "$failed" -eq 0 ]
