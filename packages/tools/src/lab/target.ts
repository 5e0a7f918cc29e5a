/** What a result says the code was compiled for. `js` is code that calls the allocator from JavaScript. */
export type LabTarget = "wasm32" | "wasm32-shared" | "js" | "native";
