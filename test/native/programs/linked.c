/* A program linked with libhakmem.a. */
#include "churn.h"
#include "hakmem.h"
static struct churn c;
int main(void) {
  churn(&c, 100000);
  void *block = malloc(100);
  CHECK(hakmem_owns(block) && !hakmem_owns(&c));
  CHECK(hakmem_stat(HAKMEM_LIVE) >= 100 && hakmem_stat(HAKMEM_THREADS) == 1);
  CHECK(hakmem_prewarm(100, 32) >= 16);
  free_sized(block, 100);
  churn_end(&c);
  puts(hakmem_profile());
  return 0;
}
