/*
 * What the models share.
 *
 * A step is what one d_step does: one access to a word that other threads touch, with what the thread does by itself before
 * the next one. Wherever a thread may take a step it may die instead (DEATH), as long as deaths are left.
 */

#ifndef THREADS
#define THREADS 2
#endif
#ifndef DEATHS
#define DEATHS 1
#endif

/* How many have died, and how many are neither dead nor done. */
byte deaths;
byte running;

#define DEATH d_step { deaths < DEATHS && running -> deaths++ }; goto gone

/* One step, or death before it. */
#define STEP if :: DEATH :: d_step { true ->
/* What no other thread can notice. */
#define ALONE if :: d_step { true ->
#define END } fi

#define NONE 255
#define LEAST(a, b) ((a) < (b) -> (a) : (b))
#define MOST(a, b) ((a) > (b) -> (a) : (b))
