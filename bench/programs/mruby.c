/* Runs the script in Ruby that the argument names. */
#include <mruby.h>
#include <mruby/compile.h>
#include <stdio.h>

int main(int count, char **arguments) {
  FILE *script = count > 1 ? fopen(arguments[1], "r") : NULL;
  mrb_state *state = mrb_open();
  if (!script || !state) return fputs("no script, or no memory\n", stderr), 1;
  mrb_load_file(state, script);
  const int failed = state->exc != NULL;
  if (failed) mrb_print_error(state);
  mrb_close(state);
  return failed;
}
