#include <stdio.h>

#include "shape.h"
#include "version.h"

int main(void) {
    struct rectangle r = {3, 4};
    printf("shapes %s: area %d, perimeter %d\n", VERSION, area(r), perimeter(r));
    return 0;
}
