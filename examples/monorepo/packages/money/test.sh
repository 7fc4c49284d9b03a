. build/bundle.sh
test "$(price 1205)" = "12.05"
