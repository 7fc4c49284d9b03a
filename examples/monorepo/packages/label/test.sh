. build/bundle.sh
test "$(label Ada)" = "TO: ADA"
