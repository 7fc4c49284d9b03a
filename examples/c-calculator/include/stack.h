/* A stack of numbers. */
#ifndef STACK_H
#define STACK_H

struct stack {
    double values[64];
    int depth;
};

void push(struct stack *s, double value);
double pop(struct stack *s);

#endif
