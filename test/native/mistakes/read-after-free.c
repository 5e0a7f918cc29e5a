/* Reads what it has freed. VISIBLE when it does not find what it left there. */
#include "mistake.h"

struct node { struct node *next; long value; };

int main(int argc, char **argv) {
  begin(argc, argv);
  if (is("list")) { /* frees each node, and then asks it for the next */
    struct node *nodes[4], *node;
    for (int i = 0; i < 4; i++) nodes[i] = (struct node *)malloc(size);
    for (int i = 0; i < 4; i++) nodes[i]->next = i < 3 ? nodes[i + 1] : NULL;
    node = nodes[0];
    for (int i = 0; i < 4; i++) {
      if (node != nodes[i]) return VISIBLE;
      struct node *next = node->next;
      free(node);
      node = wrong ? *(struct node *volatile *)&nodes[i]->next : next;
    }
    return UNHARMED;
  }
  char *block = taken(size), *at = block + (size - 1) * (size_t)amount / 100;
  if (!wrong) return *at == 'n' ? UNHARMED : VISIBLE;
  if (is("realloc")) (void)!realloc(block, 4 * size);
  else free(block);
  return *(volatile char *)at == 'n' ? UNHARMED : VISIBLE;
}
