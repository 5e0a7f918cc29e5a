// Frees by the function that does not belong to the one that allocated, or with a wrong size or alignment.
#include <new>
#include "mistake.h"

using std::align_val_t;

struct First { long a[3]; };
struct Second { long b[3]; ~Second() {} };
struct Both : First, Second { long c[40]; };
struct Base { long a; ~Base() {} };
struct Derived : Base { long b[20]; };
struct Counted { long a; ~Counted() { a = 0; } };
struct alignas(128) Wide { char bytes[200]; };

int main(int argc, char **argv) {
  begin(argc, argv);
  size_t off = wrong ? size_t(amount) : 0;
  if (is("malloc/delete")) { void *p = malloc(size); wrong ? ::operator delete(p) : free(p); }
  if (is("malloc/delete[]")) { void *p = malloc(size); wrong ? ::operator delete[](p) : free(p); }
  if (is("calloc/delete")) { void *p = calloc(1, size); wrong ? ::operator delete(p, size) : free(p); }
  if (is("new/free")) { void *p = ::operator new(size); wrong ? free(p) : ::operator delete(p); }
  if (is("new[]/free")) { void *p = ::operator new[](size); wrong ? free(p) : ::operator delete[](p); }
  if (is("new/delete[]")) { void *p = ::operator new(size); wrong ? ::operator delete[](p) : ::operator delete(p); }
  if (is("new[]/delete")) { void *p = ::operator new[](size); wrong ? ::operator delete(p) : ::operator delete[](p); }
  if (is("new/realloc")) { void *p = ::operator new(size); if (wrong) p = realloc(p, size * 2); else ::operator delete(p); }
  if (is("nothrow-new/free")) {
    void *p = ::operator new(size, std::nothrow);
    wrong ? free(p) : ::operator delete(p, std::nothrow);
  }
  if (is("sized")) ::operator delete(::operator new(size), size + off);
  if (is("sized[]")) ::operator delete[](::operator new[](size), size + off);
  if (is("sized-aligned")) ::operator delete(::operator new(size, align_val_t(64)), size + off, align_val_t(64));
  if (is("alignment")) ::operator delete(::operator new(size, align_val_t(64)), align_val_t(wrong ? amount : 64));
  if (is("alignment[]")) ::operator delete[](::operator new[](size, align_val_t(64)), align_val_t(wrong ? amount : 64));
  if (is("aligned/unaligned")) {
    void *p = ::operator new(size, align_val_t(64));
    wrong ? ::operator delete(p) : ::operator delete(p, align_val_t(64));
  }
  if (is("aligned/unaligned-sized")) {
    void *p = ::operator new(size, align_val_t(64));
    wrong ? ::operator delete(p, size) : ::operator delete(p, size, align_val_t(64));
  }
  if (is("aligned[]/unaligned[]")) {
    void *p = ::operator new[](size, align_val_t(64));
    wrong ? ::operator delete[](p) : ::operator delete[](p, align_val_t(64));
  }
  if (is("aligned/free")) {
    void *p = ::operator new(size, align_val_t(64));
    wrong ? free(p) : ::operator delete(p, align_val_t(64));
  }
  if (is("unaligned/aligned")) {
    void *p = ::operator new(size);
    wrong ? ::operator delete(p, align_val_t(64)) : ::operator delete(p);
  }
  if (is("by-base")) { Derived *p = new Derived; if (wrong) delete static_cast<Base *>(p); else delete p; }
  if (is("by-second-base")) { Both *p = new Both; if (wrong) delete static_cast<Second *>(p); else delete p; }
  if (is("element")) { Counted *p = new Counted[size / sizeof(Counted)]; if (wrong) delete &p[1]; else delete[] p; }
  if (is("array-as-object")) { Counted *p = new Counted[size / sizeof(Counted)]; if (wrong) delete p; else delete[] p; }
  if (is("plain-array-as-object")) { int *p = new int[size / sizeof(int)]; if (wrong) delete p; else delete[] p; }
  if (is("object-as-array")) { First *p = new First; if (wrong) delete[] p; else delete p; }
  if (is("wide-by-void")) { Wide *p = new Wide; if (wrong) ::operator delete((void *)p); else delete p; }
  return outcome(sound(nullptr));
}
