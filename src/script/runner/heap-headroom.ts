// The room between the memory limit of an isolate and the limit that V8 itself has for the isolate's heap, where a debugger may
// attach.
//
// V8 pauses a script for its debugger (`Debugger.paused`, reason `OOM`) where the script comes near V8's limit. V8 (13.6) does so
// at the next point where it can be interrupted, and looks for the innermost function of the script there. In a chain of promises
// there may be none on the stack, only V8's own functions: V8 then reads a null pointer, and the process ends
// (`Debug::HandleDebugBreak`). So V8's limit has to be out of reach. isolated-vm (7.0.1) knows one number for its own limit and
// for V8's, but counts buffers in its own only. A large limit, and shared buffers that take up the difference, leave the script
// the memory that it should have; isolated-vm ends what goes beyond, after V8's next collection, and nothing pauses.
import ivm from 'isolated-vm';

/**
 * The script would have to take this much between two collections to come near V8's limit. As much as isolated-vm adds to V8's
 * limit at the last moment, and as V8's largest string or array takes.
 */
export const HEADROOM_MB = 1024;
/** isolated-vm counts it once per copy; all isolates share it, and no page of it is ever touched: it takes no memory. */
const BUFFER_MB = 64;
let buffer: ivm.ExternalCopy<SharedArrayBuffer> | undefined;

/**
 * Of an isolate whose `memoryLimit` is this much larger than what its script may take; before the script is in it. `holder`: an
 * object that the script cannot reach. It has to live as long as the isolate.
 */
export async function fillHeadroom(holder: ivm.Reference): Promise<void> {
  buffer ??= new ivm.ExternalCopy(new SharedArrayBuffer(BUFFER_MB << 20));
  const filled: Promise<unknown>[] = [];
  for (let mb = 0; mb < HEADROOM_MB; mb += BUFFER_MB)
    filled.push(holder.set(`headroom${mb}`, buffer.copyInto()));
  await Promise.all(filled);
}
