// Text of peers and scripts for a line that people read: whatever could end the line, hide, or change what stands around it is
// shown instead of written.

/** Control characters, what separates lines in any alphabet, what turns the direction of writing, and what is not there. */
const INVISIBLE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;
const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': ' ' };
/** Whatever a peer sends, a line has an end. */
const MAX_LENGTH = 32_768;

export function visible(text: string): string {
  const cut = text.slice(0, MAX_LENGTH).toWellFormed();
  const shown = cut.replace(INVISIBLE, (character) => NAMED[character] ?? codeOf(character));
  return text.length > MAX_LENGTH ? `${shown}… (${text.length} characters)` : shown;
}

/** The same where several lines are meant: those after the first are indented, so that none passes for a record of its own. */
export function visibleLines(text: string): string {
  return text.split('\n').map(visible).join('\n    ');
}

function codeOf(character: string): string {
  const hex = character.charCodeAt(0).toString(16);
  return hex.length > 2 ? `\\u${hex.padStart(4, '0')}` : `\\x${hex.padStart(2, '0')}`;
}
