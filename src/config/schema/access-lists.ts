import { AddressList } from '../address-rules.ts';
import { leaf, type Value } from '../element.ts';
import { choice } from '../value.ts';

export const addresses: Value<string> = {
  expected:
    'all, or addresses and names between commas (192.168.1.7, 10.60, 10.0.0.0/8, [2001:db8::]/32, example.com), or nothing',
  takesEmpty: true,
  parse(text) {
    AddressList.parse(text); // says which item makes no sense
    return text;
  },
};

/** Allow, Deny and Order: who may use `what`. */
export function accessLists(what: string) {
  return {
    Allow: leaf(addresses, 'all', `Who may use ${what}. Nothing: all.`),
    Deny: leaf(addresses, '', `Who may not use ${what}.`),
    Order: leaf(
      choice('Allow,Deny', 'Deny,Allow'),
      'Allow,Deny',
      'Allow,Deny: who is in Allow and not in Deny. Deny,Allow: who is not in Deny, and who is in Allow all the same.',
    ),
  };
}
