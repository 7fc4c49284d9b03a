label() { upper "to: $1"; }
