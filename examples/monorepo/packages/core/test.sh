. build/bundle.sh
test "$(say one two)" = "one two"
