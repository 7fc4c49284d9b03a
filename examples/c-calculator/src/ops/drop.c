#include "ops.h"

void op_drop(struct stack *s)
{
    pop(s);
}
