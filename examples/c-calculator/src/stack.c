#include "stack.h"

#include <stdio.h>
#include <stdlib.h>

void push(struct stack *s, double value)
{
    if (s->depth == (int)(sizeof s->values / sizeof *s->values)) {
        fputs("calc: the stack is full\n", stderr);
        exit(1);
    }
    s->values[s->depth++] = value;
}

double pop(struct stack *s)
{
    if (s->depth == 0) {
        fputs("calc: the stack is empty\n", stderr);
        exit(1);
    }
    return s->values[--s->depth];
}
