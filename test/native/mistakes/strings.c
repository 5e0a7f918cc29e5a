/* Ways to write beyond a block, or before it, that one sees in the wild. */
#include "mistake.h"

struct small { char name[24]; };
struct wide { char name[24]; int extra; };

int main(int argc, char **argv) {
  begin(argc, argv);
  size_t count = size / sizeof(int), more = wrong ? 1 : 0;
  char *text = (char *)calloc(1, 2 * size), *block;
  memset(text, 't', size - 1);
  if (is("strcpy")) { /* no room for the end of the string */
    block = (char *)malloc(strlen(text) + 1 - more);
    strcpy(block, text);
  } else if (is("sprintf")) { /* a name that is longer than was thought */
    block = (char *)malloc(size);
    sprintf(block, "%s%s", text, wrong ? "overlong" : "");
  } else if (is("strcat")) {
    block = (char *)malloc(size);
    strcpy(block, text);
    strcat(block, wrong ? "." : "");
  } else if (is("terminator")) { /* buffer[bytes] = 0 */
    block = (char *)malloc(size);
    block[size - 1 + more] = 0;
  } else if (is("loop")) { /* i <= count */
    int *numbers = (int *)malloc(count * sizeof *numbers);
    for (size_t i = 0; i < count + more; i++) numbers[i] = (int)i;
    block = (char *)numbers;
  } else if (is("negative")) { /* an index of -1 for "none" */
    int *numbers = (int *)malloc(size), none = wrong ? -1 : 0;
    numbers[none] = 7;
    block = (char *)numbers;
  } else if (is("sizeof")) { /* the size of another structure */
    block = (char *)malloc(wrong ? sizeof(struct small) : sizeof(struct wide));
    memset(block, 0, sizeof(struct wide));
  } else { /* "pointer": malloc(sizeof pointer) for an object */
    struct wide *object = (struct wide *)malloc(wrong ? sizeof object : sizeof *object);
    memset(object, 0, sizeof *object);
    block = (char *)object;
  }
  free(block);
  free(text);
  return UNHARMED;
}
