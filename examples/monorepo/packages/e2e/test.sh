. ../label/build/bundle.sh
. ../invoice/build/bundle.sh
test "$(label Ada), $(invoice Ada 990)" = "TO: ADA, ADA OWES 9.90"
