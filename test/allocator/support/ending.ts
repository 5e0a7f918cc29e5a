/** Memories whose modules end at the call that a test chooses, as they do where the stack ends. */

import binaryen from "binaryen";
import type { Build } from "./builds.js";
import { RawMemory } from "./raw-heap.js";

const modules = new Map<string, Build>();

/** The build in which every function first calls `enter`: the only place where a stack can end. */
function entering(build: Build): Build {
  const found = modules.get(build.name);
  if (found !== undefined) return found;
  const module = binaryen.readBinary(build.code);
  const functions = Array.from({ length: module.getNumFunctions() }, (_, index) =>
    binaryen.getFunctionInfo(module.getFunctionByIndex(index)),
  );
  for (const { module: from, name, params, results, vars, body } of functions) {
    if (from !== "") continue;
    module.removeFunction(name);
    const entered = module.block(null, [module.call("enter", [], binaryen.none), body], results);
    module.addFunction(name, params, results, vars, entered);
  }
  module.addFunctionImport("enter", "env", "enter", binaryen.none, binaryen.none);
  const made = { ...build, module: new WebAssembly.Module(module.emitBinary() as Uint8Array<ArrayBuffer>) };
  module.dispose();
  modules.set(build.name, made);
  return made;
}

/** A memory that counts the calls within its modules, and ends one of them. */
export class EndingMemory extends RawMemory {
  #left = 0;

  constructor(build: Build, maximumPages: number) {
    super(entering(build), maximumPages);
  }

  override get imports(): WebAssembly.ModuleImports {
    return {
      enter: () => {
        if (--this.#left === 0) throw new RangeError("Maximum call stack size exceeded");
      },
    };
  }

  /**
   * Calls `act`, whose `last`-th call, from 1, ends at once.
   * @returns false when it ended so
   */
  call(act: () => void, last: number): boolean {
    this.#left = last;
    try {
      act();
      return true;
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    } finally {
      this.#left = 0;
    }
  }
}
