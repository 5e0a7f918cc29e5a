/** Profiles: validated settings that become compile-time constants of the allocator. */

export { constantsOf, type ConstantName, type Constants } from "./constants.js";
export { loadProfile, loadShippedProfiles, shippedProfileNames } from "./load.js";
export { parseProfile, ProfileError, profileSchema, type Profile } from "./schema.js";
