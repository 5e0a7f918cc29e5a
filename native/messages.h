/* Messages: one write of the platform's, no stdio. */
#pragma once

#include <stdarg.h>

/* The platform's. */
static void write_message(const char *text, size_t length);
static void say_backtrace(void);
static void say_origin(word block);
static void say_report(word block);
static __attribute__((noreturn)) void end_program(void);

static char *put_text(char *to, const char *text, int most) { while (*text && most--) *to++ = *text++; return to; }

static char *put_number(char *to, word value, unsigned base) {
  char digits[20];
  int n = 0;
  do digits[n++] = "0123456789abcdef"[value % base]; while (value /= base);
  while (n) *to++ = digits[--n];
  return to;
}

/* Writes a line: %s text (shortened to 200 characters), %u decimal, %x address. */
static SLOW void say(const char *format, ...) {
  char line[1024], *to = put_text(line, "hakmem: ", 8);
  va_list arguments;
  va_start(arguments, format);
  for (; *format; format++) {
    if (*format != '%') { *to++ = *format; continue; }
    switch (*++format) {
      case 's': to = put_text(to, va_arg(arguments, const char *), 200); break;
      case 'u': to = put_number(to, va_arg(arguments, word), 10); break;
      default: to = put_number(put_text(to, "0x", 2), va_arg(arguments, word), 16);
    }
  }
  va_end(arguments);
  *to++ = '\n';
  write_message(line, (size_t)(to - line));
}

static bool first_time(u32 *said) { return !__atomic_exchange_n(said, 1, __ATOMIC_RELAXED); }

/* assembly/failure.ts has the codes, assembly/platform/wasm.ts what the rest means. */
static SLOW __attribute__((noreturn)) void platform_fail(u32 code, word block, word size, word at, u32 value) {
  word behind = at >= block + size ? at - block - size : 0, before = block - at;
  switch (code) {
    case 1: say("double free of %x: the block of %u bytes was freed before", at, size); break;
    case 2: say("free of a pointer that is not from this heap: %x", at); break;
    case 3: say("free of a pointer into the middle of a block: %x is %u bytes %s the start of %x (%u bytes)", at, at < block ? before : at - block, at < block ? "before" : "behind", block, size); break;
    case 4:
      if (at >= block) say("write after free to %x (%u bytes): byte %u holds %x", block, size, at - block, (word)value);
      else say("write after free to %x (%u bytes): the byte %u before it holds %x", block, size, before, (word)value);
      break;
    case 5: say("write beyond the end of %x (%u bytes): the byte %u behind its end holds %x", block, size, behind + 1, (word)value); break;
    case 6: say("write before the start of %x (%u bytes): the byte %u before it holds %x", block, size, before, (word)value); break;
    case 7: say("wrong size given to free_sized or delete of %x: %u, the block has %u bytes", block, (word)value, size); break;
    case 8: say("wrong alignment given to free_aligned_sized or delete of %x (%u bytes): %u", block, size, (word)value); break;
    case 9: say("%x (%u bytes) was not made by the function that belongs to the one that frees or resizes it", block, size); break;
    case 10: say("free or realloc of %x, which is not the start of a block that is in use", at); break;
    case 11: say("the free block at %x (%u bytes) was written to: after it was freed, or beyond the end of the block before it", block, size); break;
    default: say("broken internal state at %x", at);
  }
  say_backtrace();
  say_report(block ? block : at);
  say_origin(block ? block : at);
  end_program();
}
