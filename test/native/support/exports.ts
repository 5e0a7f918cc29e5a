/** What the shared library exports. */

const C_FAMILY =
  "malloc free calloc realloc reallocarray memalign aligned_alloc posix_memalign valloc pvalloc malloc_usable_size malloc_trim malloc_stats " +
  "mallinfo mallinfo2 mallopt free_sized free_aligned_sized cfree";
const C_LIBRARY_NAMES =
  "__libc_malloc __libc_free __libc_calloc __libc_realloc __libc_memalign __libc_valloc __libc_pvalloc __posix_memalign";
const OPERATORS =
  "_Znwm _Znam _ZnwmRKSt9nothrow_t _ZnamRKSt9nothrow_t _ZnwmSt11align_val_t _ZnamSt11align_val_t _ZnwmSt11align_val_tRKSt9nothrow_t " +
  "_ZnamSt11align_val_tRKSt9nothrow_t _ZdlPv _ZdaPv _ZdlPvm _ZdaPvm _ZdlPvRKSt9nothrow_t _ZdaPvRKSt9nothrow_t _ZdlPvSt11align_val_t " +
  "_ZdaPvSt11align_val_t _ZdlPvmSt11align_val_t _ZdaPvmSt11align_val_t _ZdlPvSt11align_val_tRKSt9nothrow_t _ZdaPvSt11align_val_tRKSt9nothrow_t";
const OURS =
  "hakmem_stat hakmem_write_stats hakmem_prewarm hakmem_owns hakmem_profile hakmem_thread_id hakmem_thread_exit hakmem_thread_reclaim";
const LINKER = "dlopen dlmopen";

export const EXPORTS: readonly string[] = [C_FAMILY, C_LIBRARY_NAMES, OPERATORS, OURS, LINKER].join(" ").split(" ");
