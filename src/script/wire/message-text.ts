// The shapes of script-table.ts → what makes an event of a message of that shape: values become text, objects are copied, for an
// event may wait and its source may change meanwhile. Each shape is compiled once.
import type { Field, Shape } from '../../application/contract/script-fields.ts';
import type { AmfValue } from '../../protocol/amf/amf.ts';
import { listToWire, toWire } from './wire-text.ts';

type Copy = (from: Record<string, unknown>, to: Record<string, unknown>) => void;

/** Copies the fields of a shape, and no others. Throws a CodedError when a value becomes too long a text. */
export function copierOf(shape: Shape): Copy {
  const fields = [...Object.entries(shape.has ?? {}), ...Object.entries(shape.may ?? {})].map(
    ([name, field]) => [name, copyOf(field)] as const,
  );
  return (from, to) => {
    for (const [name, copy] of fields) {
      const value = from[name];
      if (value !== undefined || copy === toText) to[name] = copy ? copy(value) : value;
    }
  };
}

function copyOf(field: Field): ((value: unknown) => unknown) | undefined {
  switch (field.is) {
    case 'value':
      return toText;
    case 'status':
      return (info) => toWire({ ...(info as Record<string, AmfValue>) });
    case 'values':
      return (values) => listToWire(values as readonly AmfValue[]);
    case 'texts':
      return (texts) => [...(texts as readonly string[])];
    case 'textByName':
    case 'jsonByName':
      return (map) => ({ ...(map as object) });
    case 'object': {
      const copy = copierOf(field.of);
      return (object) => copied(object, copy);
    }
    case 'list': {
      const copy = copierOf(field.of);
      return (list) => (list as readonly unknown[]).map((entry) => copied(entry, copy));
    }
    default:
      return undefined;
  }
}

function copied(object: unknown, copy: Copy): object {
  const to = {};
  copy(object as Record<string, unknown>, to);
  return to;
}

/** `undefined` is a value too. */
function toText(value: unknown): unknown {
  return toWire(value as AmfValue);
}
