upper() { say "$*" | tr a-z A-Z; }
