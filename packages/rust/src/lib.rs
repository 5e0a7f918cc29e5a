//! The hakmem allocator as Rust's global allocator, for WebAssembly and Linux.
//!
//! ```
//! #[global_allocator]
//! static HEAP: hakmem::Hakmem = hakmem::Hakmem;
//! ```
//!
//! On Linux, C code in the program has it for its `malloc`, too. The features `compact`, `hardened` and `guard` choose another
//! profile than the default one; at most one of them.
#![no_std]

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::c_void;

extern "C" {
    fn malloc(size: usize) -> *mut c_void;
    fn calloc(count: usize, size: usize) -> *mut c_void;
    fn realloc(block: *mut c_void, size: usize) -> *mut c_void;
    fn memalign(alignment: usize, size: usize) -> *mut c_void;
    fn free(block: *mut c_void);
    fn hakmem_stat(what: i32) -> usize;
    fn hakmem_thread_id() -> u32;
    fn hakmem_thread_exit();
    fn hakmem_thread_reclaim(id: u32) -> i32;
}

/// Every block is aligned to this many bytes.
const ALIGNMENT: usize = 16;

/// The allocator: there is one, however many values of this there are.
pub struct Hakmem;

// Blocks do not overlap, are as large and as aligned as was asked for, and stay until they are freed, on whichever thread.
unsafe impl GlobalAlloc for Hakmem {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= ALIGNMENT {
            malloc(layout.size()) as *mut u8
        } else {
            memalign(layout.align(), layout.size()) as *mut u8
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= ALIGNMENT {
            return calloc(1, layout.size()) as *mut u8;
        }
        let block = self.alloc(layout);
        if !block.is_null() {
            core::ptr::write_bytes(block, 0, layout.size());
        }
        block
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        free(block as *mut c_void)
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.align() <= ALIGNMENT {
            return realloc(block as *mut c_void, size) as *mut u8;
        }
        let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
        if !moved.is_null() {
            core::ptr::copy_nonoverlapping(block, moved, layout.size().min(size));
            self.dealloc(block, layout);
        }
        moved
    }
}

/// Bytes of the whole heap, see `hakmem.h`. Walks metadata: not for hot code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Stat {
    /// Taken from the system.
    Committed,
    /// In blocks that are in use; exact while other threads are quiet.
    Live,
    /// In the caches of threads.
    Cached,
    /// Threads that have a heap: a number, not bytes.
    Threads,
    /// In free pages.
    Free,
    /// The allocator's own.
    Metadata,
}

impl Hakmem {
    /// A figure of the heap.
    pub fn stat(&self, what: Stat) -> usize {
        unsafe { hakmem_stat(what as i32) }
    }

    /// This thread's number, from 1; 0 before its first block and after its end.
    pub fn thread_id(&self) -> u32 {
        unsafe { hakmem_thread_id() }
    }

    /// Leaves what this thread caches to the others: for WebAssembly, whose hosts end threads without its knowing.
    pub fn thread_exit(&self) {
        unsafe { hakmem_thread_exit() }
    }

    /// The same for a thread that was killed.
    ///
    /// # Safety
    /// The thread must run no more.
    pub unsafe fn thread_reclaim(&self, id: u32) -> bool {
        hakmem_thread_reclaim(id) != 0
    }
}
