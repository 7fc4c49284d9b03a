. build/bundle.sh
test "$(invoice Ada 990)" = "ADA OWES 9.90"
