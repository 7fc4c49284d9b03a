invoice() { upper "$1 owes $(price "$2")"; }
