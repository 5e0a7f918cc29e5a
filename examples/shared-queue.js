// @ts-check
/**
 * A bounded queue of pointers between any number of producers and consumers, after Dmitry Vyukov's array queue.
 *
 *   address ─► ┌──────┬──────┬───────────────────┬───────────────────┬─
 *              │ head │ tail │ sequence │ value  │ sequence │ value  │ …   one pair for each place
 *              └──────┴──────┴───────────────────┴───────────────────┴─
 *
 * A place can be written when its sequence equals the ticket that `tail` gives out, and read when it is one more. Who finds
 * the queue full or empty sleeps on that sequence, so only workers may call it: a browser's main thread may not sleep.
 */

/** @import { Heap } from 'hakmem' */

const HEAD = 0;
const TAIL = 1;
const FIRST = 2;

export class SharedQueue {
  /** @param {Heap} heap this thread's heap @param {number} address @param {number} capacity a power of two */
  constructor(heap, address, capacity) {
    this.address = address;
    this.capacity = capacity;
    // A view that was made once stays good, because a shared memory never detaches and the queue does not move.
    this.words = heap.view(Int32Array, address, FIRST + 2 * capacity);
  }

  /** @param {Heap} heap @param {number} capacity a power of two */
  static create(heap, capacity) {
    const words = heap.alloc(Int32Array, FIRST + 2 * capacity);
    for (let place = 0; place < capacity; place++) words[FIRST + 2 * place] = place;
    return new SharedQueue(heap, heap.pointerOf(words), capacity);
  }

  /** Appends, waiting while the queue is full. @param {number} value 32 bits */
  push(value) {
    const ticket = Atomics.add(this.words, TAIL, 1);
    const place = this.#awaitSequence(ticket, ticket);
    this.words[place + 1] = value;
    this.#setSequence(place, ticket + 1);
  }

  /** Takes the oldest value, waiting while the queue is empty. */
  pop() {
    const ticket = Atomics.add(this.words, HEAD, 1);
    const place = this.#awaitSequence(ticket, ticket + 1);
    const value = this.words[place + 1];
    this.#setSequence(place, ticket + this.capacity);
    return value >>> 0;
  }

  /** @param {number} ticket @param {number} sequence */
  #awaitSequence(ticket, sequence) {
    const place = FIRST + 2 * (ticket & (this.capacity - 1));
    const wanted = sequence | 0;
    for (let now; (now = Atomics.load(this.words, place)) !== wanted;) Atomics.wait(this.words, place, now);
    return place;
  }

  /** @param {number} place @param {number} sequence */
  #setSequence(place, sequence) {
    Atomics.store(this.words, place, sequence | 0);
    Atomics.notify(this.words, place);
  }
}
