/* What the C that wasm2c generates needs from its surroundings, and no more.
 *
 * Addresses of the module are addresses of the program, so a load is a load, and the memory that wasm2c names first is none. The
 * module's own names are mapped by packages/tools/src/build/native-source.ts. Only operations in use are here: a new one goes
 * beside the others. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef uintptr_t word;
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;
enum memory { global_env_memory };
#define MEMORY __attribute__((unused)) enum memory

#define SLOW __attribute__((noinline, cold))
#define INLINED static inline __attribute__((always_inline)) /* fast paths */
#define OUTLINED static __attribute__((noinline))            /* what they fall back on */
#define FUNC_PROLOGUE
#define FUNC_EPILOGUE
#define UNREACHABLE __builtin_trap()

/* Memory that the allocator and the program use in turn may be accessed as any type. */
typedef u8 __attribute__((may_alias)) any_u8;
typedef u32 __attribute__((may_alias)) any_u32;
typedef u64 __attribute__((may_alias)) any_u64;

/* Where words are 32 bits an operand's address is a pointer plus a constant: so written, compilers know that it does not wrap,
 * and put the constant into the instruction. */
#if UINTPTR_MAX == UINT32_MAX
typedef u8 *place;
#else
typedef u64 place;
#endif

/* Loads and stores: the result is `wide`; memory holds a `narrow`, widened by its own sign. WebAssembly says what happens when
 * threads race with them (some value that was there is read). In C for processors only atomics do, which relaxed are the same
 * instructions. In C for WebAssembly they would be sequentially consistent instructions, which cost; there an access is volatile,
 * which compilers make exactly once, where it stands, of the one instruction that it is. Without threads it may be any. */
#ifdef __wasm_atomics__
#define LOAD_FROM(narrow, at) (*(volatile any_##narrow *)at)
#define STORE_TO(narrow, at, value) (*(volatile any_##narrow *)at = (value))
#elif defined(__wasm__)
#define LOAD_FROM(narrow, at) (*(any_##narrow *)at)
#define STORE_TO(narrow, at, value) (*(any_##narrow *)at = (value))
#else
#define LOAD_FROM(narrow, at) __atomic_load_n((any_##narrow *)at, __ATOMIC_RELAXED)
#define STORE_TO(narrow, at, value) __atomic_store_n((any_##narrow *)at, value, __ATOMIC_RELAXED)
#endif
#define LOAD(name, narrow, wide) static inline wide name##_shared(MEMORY memory, place at) { return (wide)LOAD_FROM(narrow, at); }
#define STORE(name, narrow, wide) static inline void name##_shared(MEMORY memory, place at, wide value) { STORE_TO(narrow, at, (narrow)value); }
LOAD(i32_load, u32, u32)
LOAD(i64_load, u64, u64)
LOAD(i32_load8_u, u8, u32)
LOAD(i64_load8_u, u8, u64)
LOAD(i64_load32_u, u32, u64)
STORE(i32_store, u32, u32)
STORE(i64_store, u64, u64)
STORE(i32_store8, u8, u32)
STORE(i64_store8, u8, u64)
STORE(i64_store32, u32, u64)

/* Atomics are sequentially consistent, as WebAssembly's are. */
#define RMW(name, narrow, wide, operation, builtin) \
  static inline wide name##_atomic_rmw##operation##_shared(MEMORY memory, place at, wide value) { \
    return (wide)builtin((any_##narrow *)at, (narrow)value, __ATOMIC_SEQ_CST); \
  }
#define ATOMICS(name, width, suffix, narrow, wide) \
  static inline wide name##_atomic_load##width##suffix##_shared(MEMORY memory, place at) { \
    return (wide)__atomic_load_n((any_##narrow *)at, __ATOMIC_SEQ_CST); \
  } \
  static inline void name##_atomic_store##width##_shared(MEMORY memory, place at, wide value) { \
    __atomic_store_n((any_##narrow *)at, (narrow)value, __ATOMIC_SEQ_CST); \
  } \
  RMW(name, narrow, wide, width##_add##suffix, __atomic_fetch_add) \
  RMW(name, narrow, wide, width##_sub##suffix, __atomic_fetch_sub) \
  RMW(name, narrow, wide, width##_and##suffix, __atomic_fetch_and) \
  RMW(name, narrow, wide, width##_or##suffix, __atomic_fetch_or) \
  RMW(name, narrow, wide, width##_xchg##suffix, __atomic_exchange_n) \
  static inline wide name##_atomic_rmw##width##_cmpxchg##suffix##_shared(MEMORY memory, place at, wide expected, wide value) { \
    narrow found = (narrow)expected; \
    __atomic_compare_exchange_n((any_##narrow *)at, &found, (narrow)value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
    return (wide)found; \
  }
ATOMICS(i32, , , u32, u32)
ATOMICS(i64, , , u64, u64)
ATOMICS(i64, 32, _u, u32, u64)
ATOMICS(i32, 8, _u, u8, u32)

#define I32_CLZ(x) ((x) ? (u32)__builtin_clz(x) : 32u)
#define I64_CLZ(x) ((x) ? (u64)__builtin_clzll(x) : 64u)
#define I32_CTZ(x) ((x) ? (u32)__builtin_ctz(x) : 32u)
#define I64_CTZ(x) ((x) ? (u64)__builtin_ctzll(x) : 64u)
#define I32_POPCNT(x) ((u32)__builtin_popcount(x))
#define I32_ROTL(x, n) (((x) << ((n) & 31)) | ((x) >> (-(n) & 31)))
#define I64_ROTL(x, n) (((x) << ((n) & 63)) | ((x) >> (-(n) & 63)))

/* The allocator divides only by what is not 0. */
#define DIV_U(x, y) ((x) / (y))
#define REM_U(x, y) ((x) % (y))
#define I32_REM_S(x, y) ((u32)((s32)(x) % (s32)(y)))

static inline void memory_fill(MEMORY memory, word to, u32 value, word bytes) { __builtin_memset((void *)to, (int)value, bytes); }
static inline void memory_copy(MEMORY to_memory, MEMORY from_memory, word to, word from, word bytes) { __builtin_memmove((void *)to, (void *)from, bytes); }
