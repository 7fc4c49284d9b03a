#ifndef SHAPE_H
#define SHAPE_H

struct rectangle { int width, height; };

int area(struct rectangle r);
int perimeter(struct rectangle r);

#endif
