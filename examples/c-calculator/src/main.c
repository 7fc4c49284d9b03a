#include <stdio.h>

#include "calc.h"

int main(void)
{
    char line[1024];
    while (fgets(line, sizeof line, stdin)) {
        struct stack s = {.depth = 0};
        if (!evaluate(&s, line))
            return 1;
        for (int n = 0; n < s.depth; n++)
            printf("%s%.6g", n ? " " : "", s.values[n]);
        putchar('\n');
    }
    return 0;
}
