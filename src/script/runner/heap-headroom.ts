// The room between the memory limit of an isolate and the limit that V8 itself has for the isolate's heap, where a debugger may
// attach.
//
// V8 pauses a script for its debugger (`Debugger.paused`, reason `OOM`) where the script comes near V8's limit. V8 (13.6) does so
// at the next point where it can be interrupted, and looks for the innermost function of the script there. In a chain of promises
// there may be none on the stack, only V8's own functions: V8 then reads a null pointer, and the process ends
// (`Debug::HandleDebugBreak`). So V8's limit has to be out of reach. isolated-vm (7.0.1) knows one number for its own limit and
// for V8's, but counts buffers in its own only. A large limit, and shared buffers that take up the difference, leave the script
// the memory that it should have; isolated-vm ends what goes beyond, after V8's next collection, and nothing pauses.
import { GUEST_FILENAME } from '../wire/wire.ts';

/**
 * The script would have to take this much between two collections to come near V8's limit. As much as isolated-vm adds to V8's
 * limit at the last moment, and as V8's largest string or array takes.
 */
export const HEADROOM_MB = 1024;
/** isolated-vm counts it once per copy; all isolates share it, and no page of it is ever touched: it takes no memory. */
const BUFFER_MB = 64;

export function headroomBuffer(): SharedArrayBuffer {
  return new SharedArrayBuffer(BUFFER_MB << 20);
}

/** What of isolated-vm's Context, Reference and ExternalCopy is wanted here. */
interface Context {
  eval(code: string, options: { filename: string }): Promise<unknown>;
}

interface Holder {
  set(name: string, value: object): Promise<unknown>;
}

interface SharedBuffer {
  copyInto(): object;
}

/**
 * Of an isolate whose `memoryLimit` is this much larger than `memoryMb`, what its script may take; before the script is in it.
 * `holder`: an object that the script cannot reach, and that lives as long as the isolate. `buffer`: a headroomBuffer.
 */
export async function fillHeadroom(
  context: Context,
  holder: Holder,
  buffer: SharedBuffer,
  memoryMb: number,
): Promise<void> {
  const filled: Promise<unknown>[] = [];
  for (let mb = 0; mb < HEADROOM_MB; mb += BUFFER_MB) {
    filled.push(holder.set(`headroom${mb}`, buffer.copyInto()));
  }
  await Promise.all(filled);
  await collect(context, memoryMb + HEADROOM_MB);
}

/**
 * V8 puts off its first collection until its heap is half as large as V8's limit allows; the next come when the heap has grown by
 * a share of what was alive. isolated-vm has it collect when a buffer is asked for that cannot be had.
 */
async function collect(context: Context, tooManyMb: number): Promise<void> {
  const code = `try { new ArrayBuffer(${tooManyMb} * ${1 << 20}); } catch {}`;
  await context.eval(code, { filename: GUEST_FILENAME });
}
