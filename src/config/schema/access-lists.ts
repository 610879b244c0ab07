import { AddressList } from '../address-rules.ts';
import { leaf, type Value } from '../element.ts';
import { choice } from '../value.ts';

export const addresses: Value<string> = {
  expected:
    'all, or addresses and names, separated by commas (192.168.1.7, 10.60, 10.0.0.0/8, [2001:db8::]/32, ' +
    'example.com), or nothing',
  takesEmpty: true,
  parse(text) {
    AddressList.parse(text); // says which item makes no sense
    return text;
  },
};

/** Allow, Deny and Order: who may use `what`. */
export function accessLists(what: string) {
  return {
    Allow: leaf(addresses, 'all', `Clients that may use ${what}. Empty: all.`),
    Deny: leaf(addresses, '', `Clients that may not use ${what}.`),
    Order: leaf(
      choice('Allow,Deny', 'Deny,Allow'),
      'Allow,Deny',
      'Allow,Deny: allow clients that are in Allow and not in Deny. Deny,Allow: allow clients that are not in ' +
        'Deny, and clients in Allow even if they are in Deny.',
    ),
  };
}
