/* Runs the SQL of standard input in a database in memory and prints what it answers. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static int row(void *unused, int columns, char **values, char **names) {
  (void)unused, (void)names;
  for (int n = 0; n < columns; n++) printf("%s%s", n ? "|" : "", values[n] ? values[n] : "");
  putchar('\n');
  return 0;
}

int main(void) {
  size_t length = 0, room = 1 << 16;
  char *script = malloc(room);
  while (script) {
    length += fread(script + length, 1, room - length - 1, stdin);
    if (length + 1 < room) break;
    script = realloc(script, room *= 2);
  }
  if (!script) return fputs("no memory for the script\n", stderr), 1;
  script[length] = 0;
  sqlite3 *database;
  char *message = NULL;
  if (sqlite3_open(":memory:", &database) || sqlite3_exec(database, script, row, NULL, &message)) {
    fprintf(stderr, "%s\n", message ? message : sqlite3_errmsg(database));
    return 1;
  }
  free(script);
  return sqlite3_close(database);
}
