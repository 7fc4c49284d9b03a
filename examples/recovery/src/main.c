#include <stdio.h>

#include "area.h"

int main(void) {
    int sides[][2] = {{3, 4}, {5, 6}};
    size_t count = sizeof sides / sizeof *sides;

    for (size_t i = 0; i < count; i++)
        printf("%d x %d: %d\n", sides[i][0], sides[i][1], area(sides[i][0], sides[i][1]));
    printf("%d shapes\n", count);
    return 0;
}
