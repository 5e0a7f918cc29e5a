/* Allocates a little, and exits with 3 when malloc refuses. */
#include <stdlib.h>
int main(void) { return malloc(100) ? 0 : 3; }
