. build/bundle.sh
test "$(upper one two)" = "ONE TWO"
