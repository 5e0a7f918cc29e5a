/**
 * Types of the platform that appear in the library's own: those of the program, where its configuration has them (the DOM's, or
 * Node's), and otherwise as much of them as a program needs that only passes them on.
 */

/** As much of `WebAssembly.Memory` as the library gives to programs. */
export interface UnknownMemory {
  readonly buffer: ArrayBufferLike;
}

/** `WebAssembly.Memory`. */
export type WasmMemory = typeof globalThis extends { WebAssembly: { Memory: { readonly prototype: infer Memory } } }
  ? Memory
  : UnknownMemory;

/** `WebAssembly.Module`. */
export type WasmModule = typeof globalThis extends { WebAssembly: { Module: { readonly prototype: infer Module } } }
  ? Module
  : object;

/** `URL`. */
export type Address = typeof globalThis extends { URL: { readonly prototype: infer Url } }
  ? Url
  : { readonly href: string };

/** What WebAssembly is compiled from. */
export type Bytes = ArrayBuffer | ArrayBufferView<ArrayBuffer>;

/** What a WebAssembly module imports under one name: functions, memories and the like. */
export type WasmImports = Record<string, ((...words: never[]) => unknown) | WasmMemory>;
